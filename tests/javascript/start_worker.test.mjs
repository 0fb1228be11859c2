import assert from "node:assert/strict";
import { resolveObjectURL } from "node:buffer";
import { afterEach, beforeEach, describe, test } from "node:test";

/** @type {{ url: string, options: WorkerOptions }[]} */
let started = [];

class StartedWorker {
  /**
   * @param {string | URL} url
   * @param {WorkerOptions} options
   */
  constructor(url, options) {
    started.push({ url: String(url), options });
  }

  addEventListener() {}
}

const SITE = "https://page.example/site/";
const MODULE = new URL(`${SITE}live_worker.mjs`);
const globals = /** @type {any} */ (globalThis);
const before = { Worker: globals.Worker, location: globals.location, document: globals.document };
globals.Worker = StartedWorker;
const { letWorkersInherit, startWorker } = await import("../../wasm_bridge/calls/start_worker.mjs");

/** @param {{ at?: string, policy?: string }} place */
function runIn({ at = SITE, policy = "" }) {
  const { protocol, origin } = new URL(at);
  globals.location = { protocol, origin };
  globals.document = {
    /** @param {string} selector */
    querySelector: (selector) => policy.includes(/\*='(.*)'/.exec(selector)?.[1] ?? "?") || null,
  };
}

/** The module that a worker was started from. */
async function startedModule() {
  const [address = ""] = started[0]?.url.split("#") ?? [];
  return (await resolveObjectURL(address)?.text()) ?? "";
}

beforeEach(() => {
  started = [];
});
afterEach(() => {
  globals.Worker = StartedWorker;
});
test.after(() => Object.assign(globals, before));

describe("startWorker", () => {
  test("starts a worker from the network where the policy lets it", () => {
    runIn({ policy: "worker-src 'self'" });
    startWorker(MODULE);
    assert.deepEqual(started, [{ url: MODULE.href, options: { type: "module" } }]);
  });

  for (const [where, place] of /** @type {const} */ ([
    [
      "in a page whose policy forbids others",
      { policy: "script-src 'self'; worker-src blob:; img-src 'self'" },
    ],
    ["in a worker that inherited its policy", { at: "blob:https://page.example/1" }],
    ["of another origin", { at: "https://other.example/" }],
  ])) {
    test(`starts a worker that inherits the policy ${where}`, async () => {
      runIn(place);
      startWorker(MODULE);
      assert.match(started[0]?.url ?? "", /^blob:.*#\/site\/live_worker\.mjs$/);
      assert.match(await startedModule(), /import\("https:\/\/page\.example\/site\/live_worker\.mjs"\)/);
    });
  }
});

describe("letWorkersInherit", () => {
  test("a library's workers inherit the policy that this worker inherited, and keep their names", () => {
    runIn({ at: "blob:https://page.example/1" });
    letWorkersInherit();
    letWorkersInherit();
    new Worker(new URL(`${SITE}threads.mjs`), { type: "module", name: "em-pthread" });
    assert.match(started[0]?.url ?? "", /^blob:.*#\/site\/threads\.mjs$/);
    assert.deepEqual(started[0]?.options, { type: "module", name: "em-pthread" });
    new Worker(new URL("blob:https://page.example/2"));
    assert.equal(started[1]?.url, "blob:https://page.example/2");
  });

  test("a worker of ours imports its module as before, as when WebAssembly takes over from WebGPU", async () => {
    runIn({ at: "blob:https://page.example/1" });
    letWorkersInherit();
    startWorker(MODULE);
    assert.equal(started.length, 1);
    assert.match(await startedModule(), /import\("https:\/\/page\.example\/site\/live_worker\.mjs"\)/);
  });

  test("changes nothing in a worker from the network", () => {
    runIn({});
    letWorkersInherit();
    assert.equal(globals.Worker, StartedWorker);
  });
});

describe("the module of a worker that inherits the policy", () => {
  /** @type {EventTarget} */
  let scope;
  /** @type {unknown[]} */
  let heard;
  /** @type {unknown[]} */
  let reported;

  beforeEach(() => {
    runIn({ at: "https://other.example/" });
    scope = new EventTarget();
    heard = [];
    reported = [];
    Object.assign(globals, {
      addEventListener: scope.addEventListener.bind(scope),
      removeEventListener: scope.removeEventListener.bind(scope),
      dispatchEvent: scope.dispatchEvent.bind(scope),
      reportError: (/** @type {unknown} */ error) => reported.push(error),
      heard,
    });
  });

  /** Runs it with this text as the worker's own module. @param {string} text */
  async function run(text) {
    const module = await (async () => {
      startWorker(new URL(`data:text/javascript,${encodeURIComponent(text)}`));
      return startedModule();
    })();
    await import(`data:text/javascript,${encodeURIComponent(`${module}\n// ${Math.random()}`)}`);
  }

  const send = (/** @type {unknown} */ data, /** @type {MessagePort[]} */ ports = []) =>
    scope.dispatchEvent(new MessageEvent("message", { data, ports }));

  test("passes the worker what arrived before it listened, each message once and in order", async () => {
    await run(
      `addEventListener("message", ({ data, ports }) => heard.push([data, ports.length]));
      await new Promise((resolve) => setTimeout(resolve));`,
    );
    const { port1 } = new MessageChannel();
    send("first");
    send("second", [port1]);
    assert.deepEqual(heard, []);
    while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
    send("third");
    assert.deepEqual(heard, [
      ["first", 0],
      ["second", 1],
      ["third", 0],
    ]);
    port1.close();
  });

  test("reports a module that cannot be loaded, which a rejected import alone would not", async () => {
    await run("throw new Error('no such file');");
    while (reported.length < 1) await new Promise((resolve) => setImmediate(resolve));
    assert.match(String(reported[0]), /no such file/);
  });
});
