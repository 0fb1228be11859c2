import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { watchFetch } from "../../wasm_bridge/python/watched_fetch.mjs";
import { newOrigin } from "./fake_origin.mjs";

describe("watchFetch", () => {
  /** @type {import("./fake_origin.mjs").FakeServer} */
  let server;
  /** @type {number[]} */
  let counts;
  /** @type {ReturnType<typeof watchFetch>} */
  let watch;

  beforeEach(() => {
    ({ server } = newOrigin());
    counts = [];
    watch = watchFetch((bytes) => counts.push(bytes));
    server.files.set("https://page.example/a.wasm", { body: new Uint8Array(1000) });
    server.files.set("https://page.example/b.whl", { body: new Uint8Array(500) });
  });
  afterEach(() => watch.stop());

  /** @param {string} url */
  const bytesOf = async (url) => (await (await fetch(url)).arrayBuffer()).byteLength;

  test("counts the bytes of all requests as they come", async () => {
    assert.equal(await bytesOf("https://page.example/a.wasm"), 1000);
    assert.equal(await bytesOf("https://page.example/b.whl"), 500);
    while (counts.at(-1) !== 1500) await new Promise((go) => setImmediate(go));
    assert(counts.length > 4);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    );
  });

  test("what is fetched ahead is asked of the server once, and handed out once", async () => {
    watch.ahead("https://page.example/a.wasm");
    assert.equal(await bytesOf("https://page.example/a.wasm"), 1000);
    assert.equal(server.requests.length, 1);
    assert.equal(await bytesOf("https://page.example/a.wasm"), 1000);
    assert.equal(server.requests.length, 2);
  });

  test("the first file that is missing or out of reach fails it, by the file's name", async () => {
    await fetch("https://page.example/folder/missing.mjs");
    await assert.rejects(watch.failure, { message: "missing.mjs is missing (404)" });
    const other = watchFetch(() => {});
    server.files.set("https://page.example/a.wasm", { body: "", unreachable: true });
    other.ahead("https://page.example/a.wasm");
    await assert.rejects(other.failure, { message: "a.wasm could not be fetched" });
    other.stop();
  });

  test("stop restores the scope's own fetch", async () => {
    watch.stop();
    assert.equal(globalThis.fetch, server.fetch);
    assert.equal(await bytesOf("https://page.example/a.wasm"), 1000);
    assert.deepEqual(counts, []);
  });
});
