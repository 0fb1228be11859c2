import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FileStore } from "../../wasm_bridge/files/file_store.mjs";
import { deleteModels, loadModelFiles, storedModels } from "../../wasm_bridge/files/model_files.mjs";
import {
  assertComplete,
  CONFIG,
  load,
  OTHER_WEIGHTS,
  origin,
  originsOf,
  PREPROCESSOR,
  progress,
  serve,
  store,
  stored,
  URLS,
  WEIGHTS,
} from "./model_loading.mjs";

describe("a first download", () => {
  test("gives the files bit for bit, where they are from, and progress in bytes of them all", async () => {
    const model = await load();
    assertComplete(model);
    assert.deepEqual(model.notes, []);
    assert.deepEqual(
      originsOf(model).map((file) => [file?.from, file?.stored]),
      [
        ["network", true],
        ["network", true],
        ["network", true],
      ],
    );
    const total = CONFIG.length + PREPROCESSOR.length + WEIGHTS.length;
    const loaded = progress.map(([count]) => count);
    assert.deepEqual(
      loaded,
      loaded.toSorted((a, b) => a - b),
    );
    assert.deepEqual(progress.at(-1), [total, total]);
    assert(progress.every(([, all]) => all === 0 || all === total));
  });

  for (const how of [{ length: false }, { compressed: true }]) {
    test(`of a server that does not send the size: ${Object.keys(how)}`, async () => {
      serve("weights", { body: WEIGHTS, ...how });
      assertComplete(await load());
      assert.equal(progress.at(-1)?.[0], progress.at(-1)?.[1]);
    });
  }

  for (const status of [403, 404, 410]) {
    test(`a preprocessor_config.json may be missing (${status}), and a note says so`, async () => {
      serve("preprocessor", { body: "", status });
      const { preprocessor, origins, notes } = await load();
      assert.deepEqual([preprocessor, origins.preprocessor], [null, null]);
      assert.match(notes[0] ?? "", /^The model has no preprocessor_config.json/);
    });
  }

  test("without a store it is complete, and a note says that it will be needed again", async () => {
    const model = await load({ store: null });
    assertComplete(model);
    assert.match(model.notes[0] ?? "", /^This browser stores no files for this page/);
    assert.equal(model.origins.weights[0]?.stored, false);
    assert.equal(origin.root.files().length, 0);
  });

  test("of a full disk is complete, and leaves nothing half written", async () => {
    origin.quota.bytes = 1000;
    const model = await load();
    assertComplete(model);
    assert.match(
      model.notes[0] ?? "",
      /^The model could not be stored for next time, because the browser has no more/,
    );
    assert.equal(model.origins.weights[0]?.stored, false);
    assert(!(await stored()).has(URLS.weights));
    origin.quota.bytes = Number.POSITIVE_INFINITY;
    assert.equal((await load()).origins.weights[0]?.stored, true);
  });
});

describe("files that the user chose", () => {
  const config = new File([CONFIG], "config (1).json");
  const weights = new File([WEIGHTS], "weights.bin");
  const preprocessor = new File([PREPROCESSOR], "p.txt");

  test("are read without asking any server, and not stored", async () => {
    const model = await loadModelFiles({ files: [weights, preprocessor, config] }, { store });
    assertComplete(model);
    assert.deepEqual(model.notes, []);
    const { sha256, ...facts } = model.origins.weights[0] ?? assert.fail();
    assert.deepEqual(facts, {
      from: "file",
      where: "weights.bin",
      bytes: WEIGHTS.length,
      etag: null,
      stored: false,
    });
    assert.match(sha256 ?? "", /^[0-9a-f]{64}$/);
    assert.deepEqual([origin.server.requests.length, origin.root.files().length], [0, 0]);
  });

  test("may lack the preprocessor's", async () => {
    const model = await loadModelFiles({ files: [weights, config] }, { store });
    assert.equal(model.preprocessor, null);
    assert.match(model.notes[0] ?? "", /has no preprocessor_config.json/);
  });

  test("are checked like downloads", async () => {
    const half = new File([WEIGHTS.slice(0, 500)], "model.safetensors");
    await assert.rejects(loadModelFiles({ files: [half, config] }, { store }), {
      message:
        /^"model.safetensors" is truncated: it has 500 bytes of at least .*: choose the model's model.safetensors.$/,
    });
  });

  test("may replace single addresses", async () => {
    const other = new File([OTHER_WEIGHTS], "model.safetensors");
    const model = await loadModelFiles(
      { urls: URLS, given: { weights: [other], preprocessor: null } },
      { store },
    );
    assert.deepEqual(model.weights[0]?.bytes, OTHER_WEIGHTS);
    assert.equal(model.preprocessor, null);
    assert.deepEqual(
      origin.server.requests.map(({ url }) => url),
      [URLS.config],
    );
  });
});

test("a browser without its own files or locks has no store", async () => {
  Object.defineProperty(globalThis.navigator, "storage", { value: undefined, configurable: true });
  assert.equal(await FileStore.open(), null);
  assert.deepEqual(await storedModels(null), []);
  await deleteModels(null);
});
