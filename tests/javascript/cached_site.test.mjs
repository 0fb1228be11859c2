import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { CachedSite, SpaceError } from "../../web/offline/cached_site.mjs";

/** A service worker whose state a test changes. */
class FakeWorker extends EventTarget {
  state = "installing";

  /** @param {string} state */
  become(state) {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

/** The container of service workers in `navigator`. */
class FakeContainer extends EventTarget {
  controller = null;
  installing = new FakeWorker();
  registration = Object.assign(new EventTarget(), {
    installing: this.installing,
    waiting: null,
    active: /** @type {object | null} */ (null),
  });
  /** @type {(value: unknown) => void} */
  becomeReady = () => {};
  ready = new Promise((resolve) => {
    this.becomeReady = resolve;
  });
  register = mock.fn(async () => this.registration);
  getRegistration = async () => this.registration;

  /** Has the page's frames register there. */
  addToFrames() {
    const contentWindow = { navigator: { serviceWorker: this } };
    Object.assign(document, {
      createElement: () => Object.assign(new EventTarget(), { contentWindow, remove() {} }),
      body: { append: (/** @type {EventTarget} */ frame) => frame.dispatchEvent(new Event("load")) },
    });
  }
}

describe("CachedSite.start", () => {
  let container = new FakeContainer();
  const storage = { keys: async () => /** @type {string[]} */ ([]) };
  const navigatorBefore = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const cachesBefore = Object.getOwnPropertyDescriptor(globalThis, "caches");

  beforeEach(() => {
    container = new FakeContainer();
    container.addToFrames();
    storage.keys = async () => [];
    Object.defineProperty(globalThis, "navigator", {
      configurable: true,
      value: { serviceWorker: container },
    });
    Object.defineProperty(globalThis, "caches", { configurable: true, value: storage });
  });

  afterEach(() => {
    for (const [name, before] of /** @type {const} */ ([
      ["navigator", navigatorBefore],
      ["caches", cachesBefore],
    ])) {
      if (before) Object.defineProperty(globalThis, name, before);
      else Reflect.deleteProperty(globalThis, name);
    }
  });

  test("resolves once the site is stored", async () => {
    const started = new CachedSite().start();
    container.becomeReady(undefined);
    await started;
    assert.equal(container.register.mock.callCount(), 1);
  });

  test("a browser that refuses storage is not asked for a service worker", async () => {
    storage.keys = async () => {
      throw new DOMException("Access is denied", "SecurityError");
    };
    await assert.rejects(new CachedSite().start(), {
      message: "This browser does not store the page for offline use (Access is denied).",
    });
    assert.equal(container.register.mock.callCount(), 0);
  });

  test("a first installation that fails ends in a sentence, not in waiting", async () => {
    const started = new CachedSite().start();
    const refused = assert.rejects(started, /could not be stored for offline use: .* Reload the page/);
    setImmediate(() => container.installing.become("redundant"));
    await refused;
  });

  test("an update that fails leaves the stored version in use", async () => {
    container.registration.active = {};
    const started = new CachedSite().start();
    setImmediate(() => {
      container.installing.become("redundant");
      container.becomeReady(undefined);
    });
    await started;
  });

  test("a quota that is too small is said with the figures", async () => {
    const manifest = { start: ["a", "b"], files: { a: { bytes: 12e6 }, b: { bytes: 8.5e6 } } };
    mock.method(globalThis, "fetch", async () => Response.json(manifest));
    Object.assign(navigator, { storage: { estimate: async () => ({ quota: 10e6, usage: 6e6 }) } });
    const started = new CachedSite().start();
    const refused = assert.rejects(started, {
      message:
        "The page could not be stored for offline use: it needs 20.5 MB, and this browser has 4.0 MB left for this " +
        "site. Free space, then reload the page.",
    });
    setImmediate(() => container.installing.become("redundant"));
    await refused;
  });
});

describe("CachedSite.add", () => {
  test("reports bytes, and ends with what the service worker says", async () => {
    const container = new FakeContainer();
    container.addToFrames();
    container.becomeReady(undefined);
    const answers = [
      [{ bytes: 5 }, { bytes: 9 }, { done: true }],
      [{ problem: "a could not be stored (404)." }],
      [{ problem: "This browser has no space left for it.", isFull: true }],
    ];
    /** @type {object[]} */
    const requests = [];
    container.registration.active = {
      postMessage(/** @type {object} */ message, /** @type {MessagePort[]} */ [port]) {
        requests.push(message);
        for (const answer of answers.shift() ?? []) port?.postMessage(answer);
      },
    };
    const before = globalThis.navigator;
    Object.defineProperty(globalThis, "navigator", {
      configurable: true,
      value: { serviceWorker: container, storage: { estimate: async () => ({ quota: 1e9, usage: 0 }) } },
    });
    // One of the two files is stored already, and counted in what is used.
    const site = new URL("../../", import.meta.url).href;
    const manifest = { start: [], files: { a: { bytes: 3e9 }, b: { bytes: 5e9 } } };
    const cache = { match: async () => Response.json(manifest), keys: async () => [{ url: `${site}a` }] };
    const caches = { keys: async () => ["autogaze-site 1"], open: async () => cache };
    Object.defineProperty(globalThis, "caches", { configurable: true, value: caches });
    const cached = new CachedSite();
    await assert.rejects(cached.add(["a"]), /not stored yet/);
    await cached.start();
    /** @type {number[]} */
    const heard = [];
    await cached.add(["a"], (bytes) => heard.push(bytes));
    assert.deepEqual(heard, [5, 9]);
    await assert.rejects(cached.add(["a"]), { message: "a could not be stored (404)." });
    await assert.rejects(cached.add(["a", "b"]), (error) => {
      assert(error instanceof SpaceError);
      assert.match(error.message, /it needs 5000.0 MB, and this browser has 1000.0 MB left/);
      return true;
    });
    assert.deepEqual(requests, [{ cache: ["a"] }, { cache: ["a"] }, { cache: ["a", "b"] }]);
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: before });
  });
});
