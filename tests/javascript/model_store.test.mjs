import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deleteModels } from "../../wasm_bridge/files/model_files.mjs";
import {
  assertComplete,
  failure,
  load,
  OTHER_WEIGHTS,
  origin,
  originsOf,
  serve,
  store,
  stored,
  URLS,
  WEIGHTS,
} from "./model_loading.mjs";

/** @typedef {import("./model_loading.mjs").Served} Served */

describe("a stored model", () => {
  test("is used while the server has the same version, which is asked for without its bytes", async () => {
    await load();
    const model = await load();
    assertComplete(model);
    assert.deepEqual(
      originsOf(model).map((file) => file?.from),
      ["cache", "cache", "cache"],
    );
    assert(origin.server.requests.slice(3).every(({ cancelled }) => cancelled));
  });

  test("is renewed by another version, file by file", async () => {
    await load();
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"' });
    const model = await load();
    assertComplete(model, OTHER_WEIGHTS);
    assert.deepEqual([model.origins.config.from, model.origins.weights[0]?.from], ["cache", "network"]);
    assert.equal((await stored()).get(URLS.weights)?.etag, '"2"');
    assert.equal((await stored()).size, 3);
  });

  for (const [served, reason] of /** @type {[Partial<Served>, string][]} */ ([
    [{ unreachable: true }, "no connection"],
    [{ status: 503 }, "503"],
    [{ silent: true }, "no connection"],
  ])) {
    test(`is used with a note while the server fails: ${Object.keys(served)}`, async () => {
      await load();
      for (const role of /** @type {const} */ (["config", "preprocessor", "weights"]))
        serve(role, { body: "busy", ...served });
      const model = await load({ timeouts: { download: 60_000, check: 5 } });
      assertComplete(model);
      assert.equal(model.notes.length, 1, "one note for all files");
      const day = "20\\d\\d-\\d\\d-\\d\\d";
      assert.match(
        model.notes[0] ?? "",
        new RegExp(
          `^models.example does not give the model's files now \\(${reason}\\), so those stored on ${day} are used.$`,
        ),
      );
    });
  }

  test("without a version is downloaded each time, and used while there is no network", async () => {
    serve("weights", { body: WEIGHTS, etag: null });
    await load();
    assert.equal((await load()).origins.weights[0]?.from, "network");
    serve("weights", { body: "", unreachable: true });
    assert.equal((await load()).origins.weights[0]?.from, "cache");
  });

  test("with a weak ETag is known by it", async () => {
    serve("weights", { body: WEIGHTS, etag: 'W/"1"' });
    await load();
    assert.equal((await load()).origins.weights[0]?.from, "cache");
  });

  const damages = /** @type {Record<string, (bytes: Uint8Array) => Uint8Array | null>} */ ({
    removed: () => null,
    flipped: (bytes) => bytes.map((byte, i) => (i === 99 ? byte ^ 1 : byte)),
    shortened: (bytes) => bytes.slice(0, -1),
  });
  for (const [name, damage] of Object.entries(damages)) {
    test(`that is damaged (${name}) is noticed, deleted and downloaded when asked`, async () => {
      await load();
      for (const [folder, file, bytes] of origin.root.files())
        if (bytes.length === WEIGHTS.length) {
          const damaged = damage(bytes);
          if (damaged) folder.entries.set(file, damaged);
          else folder.entries.delete(file);
        }
      assert.equal(
        await failure(),
        "The stored copy of model.safetensors was damaged and has been deleted: load the model again to download it.",
      );
      assert(!(await stored()).has(URLS.weights));
      assertComplete(await load());
    });
  }

  test("whose record cannot be read counts as none, and its files are deleted", async () => {
    await load();
    for (const [folder, file] of origin.root.files())
      if (file === "record.json") folder.entries.set(file, new Uint8Array([123]));
    assert.equal((await stored()).size, 0);
    assert.equal((await load()).origins.weights[0]?.from, "network");
    assert.equal(origin.root.files().length, 6, "three files with a record each");
  });

  test("can be listed with its facts, and deleted", async () => {
    await load();
    const weights = (await stored()).get(URLS.weights);
    assert.equal(weights?.bytes, WEIGHTS.length);
    assert.equal(weights?.complete, true);
    assert.match(weights?.sha256 ?? "", /^[0-9a-f]{64}$/);
    assert(Number(new Date(weights?.when ?? "")) > 0);
    await deleteModels(store);
    assert.equal((await stored()).size, 0);
    assert.equal(origin.root.files().length, 0);
  });
});
