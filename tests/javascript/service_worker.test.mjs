import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { beforeEach, describe, test } from "node:test";
import vm from "node:vm";

const SCOPE = "https://page.example/site/";
const SOURCE = await readFile(new URL("../../web/offline/service_worker.mjs", import.meta.url), "utf-8");
/** @type {Record<string, string>} */
const FILES = { "index.html": "<html>", "main.mjs": "export {}", "big.wasm": "wasm", "later.onnx": "graph" };
const START = ["index.html", "main.mjs", "big.wasm"];

/** @param {string} text */
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
/** @param {string} path */
const addressOf = (path) => SCOPE + (path === "index.html" ? "" : path);
const describeFiles = (/** @type {Record<string, string>} */ files) =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, { bytes: text.length, sha256: sha256(text) }]),
  );
const MANIFEST = { start: START, files: describeFiles(FILES), id: "" };
MANIFEST.id = sha256(
  Object.entries(MANIFEST.files)
    .map(([path, file]) => `${path} ${file.sha256} `)
    .join(""),
).slice(0, 16);

/** Cache Storage in memory, which can be full. */
class FakeCaches {
  /** @type {Map<string, Map<string, Response>>} */
  all = new Map();
  /** Files that may still be stored. */
  space = Infinity;

  keys = async () => [...this.all.keys()];
  has = async (/** @type {string} */ name) => this.all.has(name);
  delete = async (/** @type {string} */ name) => this.all.delete(name);
  open = async (/** @type {string} */ name) => {
    const files = this.all.get(name) ?? new Map();
    this.all.set(name, files);
    return {
      match: async (/** @type {string} */ url) => files.get(url)?.clone(),
      delete: async (/** @type {string} */ url) => files.delete(url),
      put: async (/** @type {string} */ url, /** @type {Response} */ response) => {
        if (this.space-- < 1) throw new DOMException("Quota exceeded.", "QuotaExceededError");
        files.set(url, response);
      },
    };
  };
  match = async (/** @type {string} */ url, /** @type {{ cacheName: string }} */ { cacheName }) =>
    this.all.get(cacheName)?.get(url)?.clone();
}

/** A service worker of the build above, and the site's server. */
class Worker {
  caches = new FakeCaches();
  /** What the server has. @type {Record<string, string>} */
  served = { ...FILES, "build.json": JSON.stringify(MANIFEST) };
  /** Paths that were fetched. @type {string[]} */
  fetched = [];
  events = new EventTarget();

  constructor() {
    this.start();
  }

  /** Starts it, as a browser does again and again. */
  start() {
    this.events = new EventTarget();
    const source = SOURCE.replace('"development"', `"${MANIFEST.id}"`).replace(
      "POLICIES = {}",
      `POLICIES = { "": "default-src 'none'" }`,
    );
    const fetch = async (/** @type {string} */ url) => {
      const path = url.slice(SCOPE.length) || "index.html";
      this.fetched.push(path);
      const text = this.served[path];
      return new Response(text ?? "missing", { status: text === undefined ? 404 : 200 });
    };
    const scope = {
      ...{ caches: this.caches, fetch, crypto, Response, Headers, URL, TextEncoder, DOMException, Error },
      registration: { scope: SCOPE },
      clients: { claim: async () => {} },
      addEventListener: this.events.addEventListener.bind(this.events),
    };
    vm.runInNewContext(source, scope);
  }

  /** @param {string} type  @param {object} members */
  async send(type, members = {}) {
    /** @type {Promise<unknown>[]} */
    const waits = [];
    /** @type {Promise<Response> | undefined} */
    let answer;
    const event = Object.assign(new Event(type), {
      waitUntil: (/** @type {Promise<unknown>} */ wait) => waits.push(wait),
      respondWith: (/** @type {Promise<Response>} */ response) => {
        answer = response;
      },
      ...members,
    });
    this.events.dispatchEvent(event);
    const response = await answer;
    await Promise.all(waits);
    return response;
  }

  /** @param {string} path */
  async get(path) {
    const request = { method: "GET", url: addressOf(path), headers: new Headers(), mode: "cors" };
    const response = await this.send("fetch", { request, clientId: "" });
    assert(response);
    return response;
  }

  /** What a script of the page's origin can do, a user's function among them. */
  async tamper(/** @type {string} */ path, text = "evil", headers = {}) {
    const [name = ""] = await this.caches.keys();
    this.caches.all.get(name)?.set(addressOf(path), new Response(text, { headers }));
  }
}

describe("the service worker", () => {
  let worker = new Worker();

  beforeEach(async () => {
    worker = new Worker();
    await worker.send("install");
    await worker.send("activate");
    worker.fetched = [];
  });

  test("answers from its cache, with the page's policy", async () => {
    for (const path of START) {
      const response = await worker.get(path);
      assert.equal(await response.text(), FILES[path]);
      assert.equal(response.headers.get("Content-Security-Policy"), "default-src 'none'");
      assert.equal(response.headers.get("Cross-Origin-Embedder-Policy"), "require-corp");
    }
    assert.deepEqual(worker.fetched, []);
  });

  test("a script or its headers that were changed in the cache are not used", async () => {
    await worker.tamper("main.mjs");
    assert.equal(await (await worker.get("main.mjs")).text(), FILES["main.mjs"]);
    assert.deepEqual(worker.fetched, ["main.mjs"]);
    await worker.tamper("main.mjs", FILES["main.mjs"], { "Content-Security-Policy": "default-src *" });
    const again = await worker.get("main.mjs");
    assert.equal(again.headers.get("Content-Security-Policy"), "default-src 'none'");
  });

  test("a changed list of files is not used, in a worker that starts again either", async () => {
    const files = describeFiles({ ...FILES, "main.mjs": "evil" });
    for (const text of [JSON.stringify({ ...MANIFEST, files }), "[", "null"]) {
      await worker.tamper("build.json", text);
      await worker.tamper("main.mjs");
      worker.start();
      assert.equal(await (await worker.get("main.mjs")).text(), FILES["main.mjs"]);
      assert.deepEqual(await (await worker.get("build.json")).json(), MANIFEST);
    }
  });

  test("large data that was changed is deleted, and fetched by the next start", async () => {
    await worker.tamper("big.wasm");
    await worker.get("big.wasm");
    assert.equal(await (await worker.get("big.wasm")).text(), "wasm");
    assert.deepEqual(worker.fetched, ["big.wasm"]);
  });

  test("a file that another build has by now is refused and not stored", async () => {
    worker.served["later.onnx"] = "new graph";
    assert.equal((await worker.get("later.onnx")).status, 409);
    const [cache] = worker.caches.all.values();
    assert(!cache?.has(addressOf("later.onnx")));
  });

  test("a build that cannot be stored whole leaves nothing behind", async () => {
    for (const fault of ["full", "incomplete", "damaged"]) {
      const failing = new Worker();
      if (fault === "full") failing.caches.space = 2;
      if (fault === "incomplete") delete failing.served["main.mjs"];
      if (fault === "damaged") failing.served["main.mjs"] = "half";
      await assert.rejects(failing.send("install"), fault);
      assert.deepEqual(await failing.caches.keys(), [], fault);
    }
  });

  test("an update that fails leaves the earlier build as it was", async () => {
    const before = (await worker.caches.keys()).join();
    worker.caches.space = 0;
    worker.served["build.json"] = JSON.stringify(MANIFEST);
    await worker.send("install").catch(() => {});
    assert.equal((await worker.caches.keys()).join(), before);
    assert.equal(await (await worker.get("main.mjs")).text(), FILES["main.mjs"]);
  });

  test("a lack of space is reported to the page, and a file is served without being stored", async () => {
    worker.caches.space = 0;
    /** @type {object[]} */
    const heard = [];
    const port = { postMessage: (/** @type {object} */ message) => heard.push({ ...message }) };
    await worker.send("message", { data: { cache: ["later.onnx"] }, ports: [port] });
    assert.deepEqual(heard, [{ problem: "This browser has no space left for it.", isFull: true }]);
    assert.equal(await (await worker.get("later.onnx")).text(), "graph");
  });
});
