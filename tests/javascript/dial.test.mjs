import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { asManyAsNeeded, dialKind, dialled, dialReading } from "../../web/controls/dial_setting.mjs";
import { curveShape, HEIGHT, RANGE, WIDTH, xOf, yOf } from "../../web/controls/quality_curve.mjs";
import { defaultsOf, parseQuery } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import { fakeElement } from "./fake_page.mjs";

const { Dial } = await import("../../web/controls/dial.mjs");

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);
const DEFAULTS = defaultsOf(TABLE);
const values = (/** @type {string} */ query) => parseQuery(TABLE, query).values;
const LIMIT = "max-gaze-tokens-each-frame";

describe("the dial", () => {
  test("sets the threshold of patch-diff, the tokens of AutoGaze, or its requirement", () => {
    assert.equal(dialKind(values("?max-tokens=0"), false), "threshold");
    assert.equal(dialKind(values(""), true), "tokens");
    assert.equal(dialKind(values("?limit-generation-budget=false"), true), "requirement");
  });

  test("shows what an old link says", () => {
    const read = (/** @type {string} */ query) => {
      const set = values(query);
      const { label, value, spoken } = dialReading(set, dialKind(set, true), 265);
      return [label, value, spoken];
    };
    const tokens = "Tokens per frame";
    assert.deepEqual(read(""), [tokens, 16, "up to 16 of 265, fewer once the loss is 0.70"]);
    assert.deepEqual(read("?max-tokens=1000&task-loss=off"), [tokens, 265, "265 of 265"]);
    assert.deepEqual(read("?max-tokens=3&task-loss=off"), [tokens, 10, "10 of 265"]); // top-k is 10
    assert.deepEqual(read("?max-tokens=3&top-k=1&task-loss=off"), [tokens, 3, "3 of 265"]);
    assert.deepEqual(read("?preset=quality"), ["Quality", 70, "70 %, until the loss is 0.30"]);
    assert.deepEqual(read("?max-tokens=0&task-loss=off"), ["Quality", 100, "100 %, up to the model's limit"]);
    assert.deepEqual(read("?mode=tiled&task-loss=off"), ["Tokens per tile", 24, "24 of 265"]);
  });

  test("has a short value for the bar of a phone", () => {
    const brief = (/** @type {string} */ query, hasModel = true) => {
      const set = values(query);
      return dialReading(set, dialKind(set, hasModel), 265).brief;
    };
    assert.equal(brief(""), "≤ 16"); // fewer once the loss is low enough
    assert.equal(brief("?max-tokens=40&task-loss=off"), "40");
    assert.equal(brief("?preset=quality"), "70 %");
    assert.equal(brief("", false), "85 %");
  });

  test("has every number of tokens from 1 to all of them, and a link brings each back", () => {
    for (let position = 1; position <= 265; position++) {
      const settings = new Settings(TABLE, DEFAULTS);
      settings.set(dialled("tokens", position, Number(settings.defaults["top-k"])));
      const again = values(settings.query());
      const { min, max, value, text } = dialReading(again, dialKind(again, true), 265);
      assert.deepEqual([min, max, value, text], [1, 265, position, `${position} of 265`]);
    }
  });

  test("the other positions are thresholds", () => {
    assert.deepEqual(dialled("threshold", 85, 10), { "patch-diff-threshold": 0.15 });
    assert.deepEqual(dialled("requirement", 30, 10), { "task-loss-requirement": 0.7 });
  });

  test("as many as needed takes the requirement, and goes back to a number", () => {
    const settings = new Settings(TABLE, { ...DEFAULTS, "task-loss-requirement": "off", [LIMIT]: 40 });
    settings.set(asManyAsNeeded(true, settings.values, settings.defaults, 40));
    assert.deepEqual([settings.values[LIMIT], settings.values["task-loss-requirement"]], [0, 0.7]);
    assert.equal(dialKind(settings.values, true), "requirement");
    settings.set({ "task-loss-requirement": 0.2 });
    settings.set(asManyAsNeeded(true, settings.values, settings.defaults, 40));
    assert.equal(settings.values["task-loss-requirement"], 0.2);
    settings.set(asManyAsNeeded(false, settings.values, settings.defaults, 40));
    assert.deepEqual([settings.values[LIMIT], settings.values["task-loss-requirement"]], [40, "off"]);
  });
});

test("the dial takes numbers from anywhere, and says why there is no curve", () => {
  const names = new Set();
  const classList = {
    add: (/** @type {string} */ name) => names.add(name),
    remove: (/** @type {string} */ name) => names.delete(name),
    contains: (/** @type {string} */ name) => names.has(name),
  };
  Object.assign(fakeElement("curve"), { classList, querySelector: () => null });
  const settings = new Settings(TABLE, DEFAULTS);
  const [view, player, maskSource] = [1, 2, 3].map(() => /** @type {any} */ (new TypedEventTarget()));
  new Dial({ view, settings, player, maskSource });
  const reason = () => fakeElement("curve-text").textContent;
  const show = () => view.emit("frame", { maskTiming: "own", grids: [2, 4, 7, 14], curve: [[0, 20], [1, 21]] }); // biome-ignore format: a table
  maskSource.emit("active", "autogaze");
  show();
  assert(names.has("live"));
  settings.set({ mode: "tiled" });
  show();
  assert.deepEqual([names.has("live"), reason()], [false, "Not available with tiles."]);
  settings.set({ mode: "realtime", "visualization-mode": "full-blend" });
  assert.equal(reason(), "Needs the output Rebuilt.");
  settings.set({ "visualization-mode": "interframe" });
  assert.match(reason(), /^Appears once/);

  settings.set({ [LIMIT]: 40 });
  const needed = fakeElement("as-needed");
  for (const checked of [true, false]) {
    needed.checked = checked;
    needed.dispatchEvent(new Event("change"));
    assert.equal(settings.values[LIMIT], checked ? 0 : 40);
  }
});

describe("the curve of quality over tokens", () => {
  test("goes to the right and upwards, within the drawing", () => {
    const places = [0, 1, 16, 100, 265].map((tokens) => xOf(tokens, 265));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert(places.every((x) => x > 0 && x < WIDTH));
    assert.equal(xOf(300, 265), xOf(265, 265));
    const heights = [0, RANGE.low, 30, RANGE.high].map((psnr) => yOf(psnr));
    assert.equal(heights[0], heights[1]);
    assert(heights.every((y) => y > 0 && y < HEIGHT));
    assert.equal(yOf("Infinity"), yOf(80));
    assert(yOf("Infinity") < yOf(30));
  });

  test("is described in words", () => {
    const { line, x, y, text, label } = curveShape(
      [
        [0, 18.24],
        [1, 20],
        [2, 31],
      ],
      265,
    );
    assert.match(line, /^M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
    assert(line.endsWith(`L${x.toFixed(1)} ${y.toFixed(1)}`));
    assert.equal(text, "18.2\u00a0dB without this frame’s tokens, 31.0\u00a0dB with all 2.");
    assert.equal(
      label,
      "Quality over the tokens of this frame: 18.2\u00a0dB with none, 20.0\u00a0dB with 1, 31.0\u00a0dB with 2 of 265",
    );
    const perfect = curveShape([[0, 20], [265, "Infinity"]], 265); // biome-ignore format: a table
    assert.match(perfect.text, /, a perfect copy with all 265\.$/);
    assert.match(curveShape([[0, "Infinity"]], 265).text, /^A perfect copy without /); // biome-ignore format: a table
    assert.match(curveShape([[0, 20], [1, 21]], 265).text, /, 21\.0\u00a0dB with its one token\.$/); // biome-ignore format: a table
  });
});
