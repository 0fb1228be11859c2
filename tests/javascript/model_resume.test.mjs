import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { deleteModels } from "../../wasm_bridge/files/model_files.mjs";
import { safetensors } from "./model_fixtures.mjs";
import {
  assertComplete,
  failure,
  load,
  OTHER_WEIGHTS,
  origin,
  serve,
  store,
  stored,
  URLS,
  until,
  WEIGHTS,
} from "./model_loading.mjs";

/** @typedef {import("./model_loading.mjs").Served} Served */

describe("a download that breaks off", () => {
  const breakOff = async (/** @type {Partial<Served>} */ how = {}) => {
    serve("weights", { body: WEIGHTS, breakAfter: 1000, ...how });
    const said = await failure();
    serve("weights", { body: WEIGHTS, ...how });
    return said;
  };

  test("says how far it came and is never tried again by itself", async () => {
    assert.match(
      await breakOff(),
      /^The download of model.safetensors broke off after 0.0 of 0.0 MB: load the model/,
    );
    assert.equal(origin.server.of(URLS.weights).length, 1);
    const part = (await stored()).get(URLS.weights);
    assert.deepEqual([part?.bytes, part?.complete, part?.sha256], [1000, false, null]);
  });

  for (const how of /** @type {Partial<Served>[]} */ ([
    {},
    { etag: null, lastModified: "Sat, 21 Nov 2026 10:00:00 GMT" },
    { showsRange: false },
  ])) {
    test(`is continued where it stopped: ${JSON.stringify(how)}`, async () => {
      await breakOff(how);
      assertComplete(await load());
      const [, second] = origin.server.of(URLS.weights);
      assert.equal(second?.range, "bytes=1000-");
      assert.equal(second?.sent, WEIGHTS.length - 1000);
      assert.equal((await stored()).get(URLS.weights)?.complete, true);
    });
  }

  for (const how of /** @type {Partial<Served>[]} */ ([
    { ranges: false },
    { etag: null },
    { etag: 'W/"1"' },
    { length: false },
  ])) {
    test(`starts over where that is not safe: ${JSON.stringify(how)}`, async () => {
      await breakOff(how);
      assertComplete(await load());
      assert.equal(origin.server.of(URLS.weights).at(-1)?.sent, WEIGHTS.length);
    });
  }

  for (const body of [OTHER_WEIGHTS, safetensors({ w: 2 })]) {
    test(`starts over if the file has changed (${body.length} bytes)`, async () => {
      await breakOff();
      serve("weights", { body, etag: '"2"' });
      assertComplete(await load(), body);
      assert.equal(origin.server.of(URLS.weights).at(-1)?.range, null);
    });
  }

  test("starts over if the rest belongs to other bytes under the same ETag, which is their digest", async () => {
    const etag = `"${createHash("sha256").update(OTHER_WEIGHTS).digest("hex")}"`;
    const other = OTHER_WEIGHTS.slice();
    other[900] = Number(other[900]) + 1; // in the part that is stored
    serve("weights", { body: other, breakAfter: 1000, etag });
    await failure();
    serve("weights", { body: OTHER_WEIGHTS, etag });
    assertComplete(await load(), OTHER_WEIGHTS);
    assert.deepEqual(
      origin.server.of(URLS.weights).map(({ range }) => range),
      [null, "bytes=1000-", null],
    );
    assertComplete(await load(), OTHER_WEIGHTS);
  });

  const damage = () => {
    for (const [folder, name, bytes] of origin.root.files())
      if (bytes.length === WEIGHTS.length) folder.entries.delete(name);
  };

  test("starts over if it is not the file whose digest is known from an earlier copy", async () => {
    const other = WEIGHTS.slice();
    other[900] = Number(other[900]) + 1;
    await load();
    damage();
    assert.match(await failure(), /was damaged and has been deleted/);
    serve("weights", { body: other, breakAfter: 1000 });
    await failure();
    serve("weights", { body: WEIGHTS });
    const model = await load();
    assertComplete(model);
    assert.deepEqual(model.notes, []);
    const ranges = origin.server.of(URLS.weights).map(({ range }) => range);
    assert.deepEqual(ranges, [null, null, null, "bytes=1000-", null]);
    assert.equal((await load()).origins.weights[0]?.from, "cache");
  });

  for (const [etag, isPromise] of /** @type {[string, boolean][]} */ ([
    ['"1"', true],
    ['W/"1"', false],
  ]))
    test(`that brings another file under the same ETag, ${etag}, is used${isPromise ? ", and this is said" : ""}`, async () => {
      serve("weights", { body: WEIGHTS, etag });
      await load();
      damage();
      await failure();
      serve("weights", { body: OTHER_WEIGHTS, etag });
      const model = await load();
      assertComplete(model, OTHER_WEIGHTS);
      const note = `model.safetensors at ${URLS.weights} has changed, although the server says that it has not.`;
      assert.deepEqual(model.notes, isPromise ? [note] : []);
      assert.deepEqual((await load()).notes, []);
    });

  test("is used as it is if its ETag only looks like a digest, and is then downloaded twice", async () => {
    const etag = `"${"0".repeat(64)}"`;
    await breakOff({ etag });
    assertComplete(await load());
    assert.equal(origin.server.of(URLS.weights).length, 3);
  });

  test("leaves an older whole file as it was", async () => {
    await load();
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"', breakAfter: 900 });
    assert.match(await failure(), /broke off/);
    serve("weights", { body: "", unreachable: true });
    assertComplete(await load());
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"' });
    assertComplete(await load(), OTHER_WEIGHTS);
    assert.equal(origin.server.of(URLS.weights).at(-1)?.sent, OTHER_WEIGHTS.length - 900);
  });

  test("because the server stops sending ends after the timeout", async () => {
    serve("weights", { body: WEIGHTS, silentAfter: 600 });
    assert.match(await failure({ timeouts: { download: 20, check: 20 } }), /broke off after/);
    serve("weights", { body: WEIGHTS });
    assertComplete(await load());
  });

  test("ends the downloads of the other files", async () => {
    serve("weights", { body: WEIGHTS, silentAfter: 100 });
    serve("config", { body: "", status: 404, ready: until(() => origin.server.of(URLS.weights)[0]?.sent) });
    assert.match(await failure(), /^There is no config.json at/);
    assert.equal(origin.server.of(URLS.weights)[0]?.cancelled, true);
  });
});

describe("cancelling", () => {
  test("stores the partial download, fails with the reason and ends the connection", async () => {
    const cancel = new AbortController();
    serve("weights", { body: WEIGHTS, silentAfter: 800 });
    const loading = load({
      signal: cancel.signal,
      onProgress: (_, loaded) => loaded >= 800 && cancel.abort(new Error("not today")),
    });
    await assert.rejects(loading, { message: "not today" });
    assert.equal(origin.server.of(URLS.weights)[0]?.cancelled, true);
    assert((await stored()).get(URLS.weights)?.bytes);
    serve("weights", { body: WEIGHTS });
    assertComplete(await load());
    assert.match(origin.server.of(URLS.weights)[1]?.range ?? "", /^bytes=\d+-$/);
  });

  test("works before any answer, and before anything was asked for", async () => {
    const cancel = new AbortController();
    serve("weights", { body: WEIGHTS, silent: true });
    const loading = load({ signal: cancel.signal });
    await until(() => origin.server.of(URLS.weights).length);
    cancel.abort();
    await assert.rejects(loading, { name: "AbortError" });
    await assert.rejects(load({ signal: cancel.signal }), { name: "AbortError" });
    assert.equal(origin.server.of(URLS.weights).length, 1);
  });

  test("the files in a download cannot be deleted, the others can", async () => {
    await load();
    const cancel = new AbortController();
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"', silentAfter: 700 });
    const loading = load({ signal: cancel.signal });
    await until(() => origin.server.of(URLS.weights)[1]?.sent && origin.locks.heldCount === 1);
    await assert.rejects(deleteModels(store), {
      message: "A model is being loaded, here or in another tab: cancel that, then delete it again.",
    });
    cancel.abort();
    await assert.rejects(loading, { name: "AbortError" });
    assert.deepEqual([...(await stored()).keys()], [URLS.weights], "the old file and the partial new one");
  });

  test("two loads at once download each file once", async () => {
    const [one, other] = await Promise.all([load(), load()]);
    assertComplete(one);
    assertComplete(other);
    assert.equal(other.origins.weights[0]?.from, "cache");
    assert.equal(
      origin.server.of(URLS.weights).reduce((sum, { sent }) => sum + Number(sent === WEIGHTS.length), 0),
      1,
    );
  });
});
