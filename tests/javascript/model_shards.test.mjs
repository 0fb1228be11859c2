import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { safetensors } from "./model_fixtures.mjs";
import {
  CONFIG,
  FOLDER,
  failure,
  load,
  origin,
  originsOf,
  PREPROCESSOR,
  progress,
  stored,
  URLS,
  WEIGHTS,
} from "./model_loading.mjs";

/** @typedef {import("./model_loading.mjs").Served} Served */

const NAMES = [1, 2, 3, 4, 5].map((number) => `model-0000${number}-of-00005.safetensors`);
const SHARDS = NAMES.map((_, number) => safetensors({ [`t${number}`]: 300 + number }));
const INDEX_NAME = "model.safetensors.index.json";
const INDEX_URL = FOLDER + INDEX_NAME;
const tensorBytes = SHARDS.reduce((sum, _, number) => sum + 4 * (300 + number), 0);
const INDEX = indexOf(NAMES, tensorBytes);

/** @param {string[]} names */
function indexOf(names, size = tensorBytes) {
  const map = Object.fromEntries(names.map((name, number) => [`t${number}`, name]));
  return JSON.stringify({ metadata: { total_size: size }, weight_map: map });
}

/** @type {(name: string, served: Served) => void} */
const serveFile = (name, served) => void origin.server.files.set(FOLDER + name, served);

/** @param {string} weights address */
const sourceOf = (weights) => ({ urls: { ...URLS, weights } });

/** @param {Awaited<ReturnType<typeof load>>} model */
function assertSharded({ index, weights }) {
  assert.equal(index, INDEX);
  assert.deepEqual(
    weights,
    SHARDS.map((bytes, number) => ({ name: NAMES[number], bytes })),
  );
}

beforeEach(() => {
  origin.server.files.delete(URLS.weights);
  serveFile(INDEX_NAME, { body: INDEX });
  for (const [number, body] of SHARDS.entries()) serveFile(NAMES[number] ?? "", { body });
});

describe("shards on a server", () => {
  for (const address of [INDEX_URL, FOLDER])
    test(`are loaded from ${address}, with progress over them all, and stored`, async () => {
      assertSharded(await load({}, sourceOf(address)));
      const total = [CONFIG, PREPROCESSOR, INDEX, ...SHARDS].reduce((sum, { length }) => sum + length, 0);
      assert.deepEqual(progress.at(-1), [total, total]);
      const loaded = progress.map(([count]) => count);
      assert.deepEqual(
        loaded,
        loaded.toSorted((a, b) => a - b),
      );
      // At first the sizes of the shards are estimated from the index.
      assert(
        progress.every(([count, all]) => all === 0 || (count <= all && all >= tensorBytes && all <= total)),
      );
      const requests = origin.server.requests.length;
      const again = await load({}, sourceOf(address));
      assertSharded(again);
      assert(originsOf(again).every((file) => file?.from === "cache"));
      assert.equal((await stored()).get(FOLDER + NAMES[4])?.bytes, SHARDS[4]?.length);
      assert(
        origin.server.requests
          .slice(requests)
          .every(({ sent, cancelled }) => sent === 0 || cancelled || sent === 12),
      );
    });

  test("are loaded without a network once they are stored", async () => {
    await load({}, sourceOf(FOLDER));
    for (const [url, served] of origin.server.files)
      origin.server.files.set(url, { ...served, unreachable: true });
    origin.server.files.set(URLS.weights, { body: "", unreachable: true });
    const model = await load({}, sourceOf(FOLDER));
    assertSharded(model);
    assert.equal(model.notes.length, 1);
  });

  test("are not asked for where the folder has the whole file", async () => {
    serveFile("model.safetensors", { body: WEIGHTS });
    const model = await load({}, sourceOf(FOLDER));
    assert.deepEqual([model.index, model.weights.length], [null, 1]);
    assert.deepEqual(origin.server.of(INDEX_URL), []);
  });

  test("are resumed", async () => {
    serveFile(NAMES[1] ?? "", { body: /** @type {Uint8Array} */ (SHARDS[1]), breakAfter: 500 });
    assert.match(
      await failure({}, sourceOf(INDEX_URL)),
      /^The download of model-00002-of-00005.safetensors broke off/,
    );
    serveFile(NAMES[1] ?? "", { body: /** @type {Uint8Array} */ (SHARDS[1]) });
    assertSharded(await load({}, sourceOf(INDEX_URL)));
    assert.equal(origin.server.of(FOLDER + NAMES[1]).at(-1)?.range, "bytes=500-");
  });

  test("that are missing, something else or truncated are named", async () => {
    const url = FOLDER + NAMES[3];
    for (const [served, expected] of /** @type {[Served, string][]} */ ([
      [{ body: "", status: 404 }, `There is no ${NAMES[3]} at ${url} (404): check weights-url.`],
      [
        { body: "<html>" },
        `${url} is a web page (HTML), not a model.safetensors: check the folder of the index that is given as weights-url.`,
      ],
      [{ body: WEIGHTS.slice(0, 400) }, `${url} is truncated: it has 400 bytes of at least`],
    ])) {
      serveFile(NAMES[3] ?? "", served);
      const said = await failure({}, sourceOf(INDEX_URL));
      assert(said.startsWith(expected), said);
      assert(!(await stored()).has(url));
    }
  });

  test("that are too large together are not read to their end", async () => {
    for (const name of NAMES) serveFile(name, { body: "", unreachable: true });
    const names = NAMES.slice(0, 2);
    serveFile(INDEX_NAME, { body: indexOf(names) });
    for (const name of names)
      serveFile(name, { body: new Uint8Array(9), claims: 260_000_000, silentAfter: 9 });
    assert.match(
      await failure({}, sourceOf(INDEX_URL)),
      /^The shards that .* names have more than 500 MB, which/,
    );
  });

  test("an index that is none, or that names files elsewhere, is refused before any of them is asked for", async () => {
    for (const [body, expected] of /** @type {const} */ ([
      ["{}", `${INDEX_URL} is not an index of shards, which has`],
      ["{", `${INDEX_URL} is not valid JSON: `],
      [indexOf(["../other.safetensors"]), `${INDEX_URL} names the file "../other.safetensors", but`],
      [indexOf(["https://evil.example/x"]), `${INDEX_URL} names the file "https://evil.example/x", but`],
    ])) {
      serveFile(INDEX_NAME, { body });
      const said = await failure({}, sourceOf(INDEX_URL));
      assert(said.startsWith(expected), said);
      assert(!(await stored()).has(INDEX_URL));
    }
    assert(origin.server.requests.every(({ url }) => !url.endsWith(".safetensors")));
  });

  test("a folder with neither is reported with the option", async () => {
    serveFile(INDEX_NAME, { body: "", status: 404 });
    assert.equal(
      await failure({}, sourceOf(FOLDER)),
      `There is neither model.safetensors nor model.safetensors.index.json at ${FOLDER}: check weights-url.`,
    );
    serveFile("model.safetensors", { body: "", status: 503 });
    assert.match(
      await failure({}, sourceOf(FOLDER)),
      /^models.example failed to send model.safetensors \(503\)/,
    );
  });
});

describe("shards that the user chose", () => {
  const config = new File([CONFIG], "config.json");
  const index = new File([INDEX], "index (1).json");
  const shards = SHARDS.map((bytes, number) => new File([bytes], NAMES[number] ?? ""));

  test("are read in the index's order, without any request", async () => {
    assertSharded(await load({}, { files: [config, ...shards.toReversed(), index] }));
    const total = CONFIG.length + [INDEX, ...SHARDS].reduce((sum, { length }) => sum + length, 0);
    assert.deepEqual(progress.at(-1), [total, total]);
    assert.equal(origin.server.requests.length, 0);
  });

  test("may replace the address of the weights", async () => {
    const model = await load({}, { urls: URLS, given: { weights: [...shards, index] } });
    assertSharded(model);
    assert.deepEqual(
      origin.server.requests.map(({ url }) => url),
      [URLS.config, URLS.preprocessor],
    );
  });

  test("are all needed, with their index", async () => {
    const missing = "of the model is missing: choose all its files together.";
    const [, ...four] = shards;
    assert.equal(await failure({}, { files: [config, index, ...four] }), `${NAMES[0]} ${missing}`);
    assert.equal(await failure({}, { files: [config, ...shards] }), `${INDEX_NAME} ${missing}`);
    assert.equal(await failure({}, { files: [config, index] }), `${NAMES[0]} and 4 more ${missing}`);
    assert.equal(await failure({}, { files: [index, ...shards] }), `config.json ${missing}`);
    assert.equal(
      await failure({}, { files: [config, index, index, ...shards] }),
      '"index (1).json" and "index (1).json" are both a model.safetensors.index.json: choose one of them.',
    );
  });

  test("are ignored beside the whole file, as natively", async () => {
    const whole = new File([WEIGHTS], "model.safetensors");
    const model = await load({}, { files: [config, index, ...shards, whole] });
    assert.deepEqual([model.index, model.weights], [null, [{ name: "model.safetensors", bytes: WEIGHTS }]]);
  });
});
