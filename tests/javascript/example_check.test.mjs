import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { countsOf, countsText, verdict } from "../../web/check/example_check.mjs";
import { modelInUse } from "../../web/model/model_in_use.mjs";

const EXPECTED = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/native/example_input.json", import.meta.url), "utf-8"),
);

/** What the released weights choose: one real token in each frame after the first. */
const RELEASED = [
  { cells: 198, paddedTokens: 0 },
  ...Array.from({ length: 15 }, () => ({ cells: 1, paddedTokens: 9 })),
];

test("the released model's counts hold", () => {
  const { holds, text } = verdict(countsOf(RELEASED), EXPECTED, true);
  assert.equal(holds, true);
  assert.equal(
    text,
    "Yes: 348 slots, 213 of them real; of each frame 198, then 15 times 10, as NVIDIA’s QUICK_START prints.",
  );
});

test("a single other token does not hold, and both counts are named", () => {
  const other = RELEASED.with(3, { cells: 2, paddedTokens: 8 });
  const { holds, text } = verdict(countsOf(other), EXPECTED, false);
  assert.equal(holds, false);
  assert.match(text, /^No: this model chooses 348 slots, 214 .*prints 348 slots, 213 of them real/);
  assert.match(
    text,
    / Every frame has its slots, but 214 are real instead of 213\. That was to be expected unless these are NVIDIA’s released weights\.$/,
  );
  const moved = RELEASED.with(3, { cells: 1, paddedTokens: 19 });
  assert.equal(
    countsText(countsOf(moved)),
    "358 slots, 213 of them real; of each frame 198, then 2 times 10, then 20, then 12 times 10",
  );
});

test("a frame that is off by one is named, and so is what that means", () => {
  const off = RELEASED.with(3, { cells: 1, paddedTokens: 10 });
  const { holds, text } = verdict(countsOf(off), EXPECTED, true);
  assert.equal(holds, false);
  assert.match(
    text,
    / Frame 4 has 11 slots instead of 10\. These are NVIDIA’s weights, so they should agree: please report this\.$/,
  );
  const more = (/** @type {number[]} */ ...frames) =>
    verdict(
      countsOf(RELEASED.map((frame, index) => (frames.includes(index) ? { cells: 9 } : frame))),
      EXPECTED,
      false,
    ).text;
  assert.match(more(0, 5), / Frame 1 has 9 slots instead of 198, and 1 more frame differs\. /);
  assert.match(more(2, 4, 15), / Frame 3 has 9 slots instead of 10, and 2 more frames differ\. /);
  const short = verdict(countsOf(RELEASED.slice(0, 15)), EXPECTED, false).text;
  assert.match(short, / Frame 16 has 0 slots instead of 10\. /);
});

test("a worker of its own gets the model that the page uses", () => {
  const values = {
    "config-url": "./m/config.json",
    "weights-url": "./m/",
    "graphs-url": "./graphs/",
    backend: "wasm",
  };
  const own = { graphs: "./graphs/", backend: "wasm" };
  assert.deepEqual(modelInUse(values, []), { config: "./m/config.json", weights: "./m/", ...own });
  const built = {
    ...values,
    "config-url": "./built-in/config.json",
    "weights-url": "./built-in/model.safetensors",
  };
  assert.equal(modelInUse(built, []).graphs, "./built-in/");
  const [config, preprocessor, index, ...shards] = [
    ...["config (1).json", "preprocessor_config.json", "model.safetensors.index.json"],
    ...["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
  ].map((name) => new File([], name));
  const files = [...shards, index, preprocessor, config].map((file) => /** @type {File} */ (file));
  const { weights, ...others } = modelInUse(values, files);
  assert.deepEqual(weights, [...shards, index]);
  assert.deepEqual(others, { config, preprocessor, ...own });
});
