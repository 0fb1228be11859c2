import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { FileError } from "../../wasm_bridge/calls/limited_fetch.mjs";
import { Serializer } from "../../wasm_bridge/calls/serializer.mjs";
import { LoadedModel } from "../../wasm_bridge/model/loaded_model.mjs";
import { ModelHost } from "../../wasm_bridge/model/model_host.mjs";
import { startRunner } from "../../wasm_bridge/model/start_runner.mjs";
import { safetensors } from "./model_fixtures.mjs";

const SETUP = { siteUrl: "https://page.example/", graphsUrl: "https://page.example/g/", weights: new Map() };
const LOST = "The GPU was lost while the model was loading: load it again, or use backend=wasm.";
const until = async (/** @type {() => unknown} */ condition) => {
  while (!condition()) await new Promise((go) => setImmediate(go));
};

describe("starting a runner", () => {
  /** What becomes of the GPU in each try; the last one stays. @type {("works" | "lost" | "refused" | "broken" | "no file")[]} */
  let fates;
  /** @type {string[]} */
  let tries;
  /** @type {number} */
  let closed;

  beforeEach(() => {
    tries = [];
    closed = 0;
    const requestAdapter = async () => ({ info: { vendor: "maker", architecture: "chip", description: "" } });
    Object.defineProperty(globalThis.navigator, "gpu", { value: { requestAdapter }, configurable: true });
  });
  afterEach(() => Reflect.deleteProperty(globalThis.navigator, "gpu"));

  /** @type {any} */
  const make = async (
    /** @type {{ name: string }} */ { name },
    /** @type {{ graphs: unknown }} */ { graphs },
  ) => {
    tries.push(`${name} ${graphs}`);
    const fate = name === "wasm" ? "works" : fates.length > 1 ? fates.shift() : fates[0];
    if (fate === "refused") throw new Error("The adapter refused.");
    return {
      lost: fate === "lost" ? Promise.resolve() : new Promise(() => {}),
      prepare: () => {
        if (fate === "broken") throw new Error("The shader is invalid.");
        if (fate === "no file") throw new FileError("The graph is missing (404).");
        return fate === "lost" ? new Promise(() => {}) : Promise.resolve();
      },
      close: async () => {
        closed += 1;
      },
    };
  };
  /** @param {"auto" | "webgpu" | "wasm"} wanted */
  const start = (wanted, graphsFor = (/** @type {string} */ target) => JSON.stringify(target)) =>
    startRunner(wanted, graphsFor, SETUP, make);

  test("a GPU that works is used as it is", async () => {
    fates = ["works"];
    const { backend, graphs, notes } = await start("auto");
    assert.deepEqual([backend.description, graphs, notes], ["WebGPU on maker chip", '"gpu"', []]);
  });

  test("one that is lost from birth is tried once more, with a fresh adapter", async () => {
    fates = ["lost", "works"];
    for (const wanted of /** @type {const} */ (["auto", "webgpu"])) {
      fates = ["lost", "works"];
      assert.equal((await start(wanted)).backend.name, "webgpu");
    }
    assert.equal(closed, 2);
  });

  test("one that fails is replaced by WebAssembly, and the reason is reported", async () => {
    for (const [fate, reason, gpuTries] of /** @type {const} */ ([
      ["lost", LOST, 2],
      ["refused", "The adapter refused.", 1],
      ["broken", "The shader is invalid.", 1],
    ])) {
      fates = [fate];
      tries = [];
      const { backend, graphs, notes } = await start("auto");
      assert.deepEqual([backend.name, graphs], ["wasm", '"cpu"']);
      assert.deepEqual(notes, [`The model runs on WebAssembly, because the GPU failed: ${reason}`]);
      assert.deepEqual(tries, [...Array(gpuTries).fill("webgpu gpu"), "wasm cpu"]);
    }
  });

  test("a file that is missing is not the GPU's fault", async () => {
    fates = ["no file"];
    const cause = "The model runs on WebAssembly, because what the GPU needs is unavailable:";
    assert.deepEqual((await start("auto")).notes, [`${cause} The graph is missing (404).`]);
    const withoutGpu = await start("auto", (target) => {
      if (target === "gpu") throw new Error("ValueError: graphs.json has no frame graph for the target gpu.");
      return JSON.stringify(target);
    });
    assert.deepEqual(withoutGpu.notes, [`${cause} graphs.json has no frame graph for the target gpu.`]);
    await assert.rejects(start("webgpu"), { message: "The graph is missing (404)." });
  });

  test("who asks for WebGPU is told why there is none", async () => {
    fates = ["lost"];
    await assert.rejects(start("webgpu"), { message: LOST });
    fates = ["refused"];
    await assert.rejects(start("webgpu"), { message: "The adapter refused." });
    assert(!tries.includes("wasm cpu"));
  });
});

describe("a host whose GPU is lost", () => {
  const files = [new File([safetensors({ w: 4 })], "model.safetensors"), new File(["{}"], "config.json")];
  /** @type {ModelHost} */
  let host;
  /** Loses the GPU of the latest model. */
  let lose = () => {};
  /** @type {string[]} */
  let backends;
  /** @type {unknown[]} */
  let heard;
  let now = 0;
  /** Limits on tokens that a load or the session got. @type {unknown[]} */
  let limits;
  /** Backends that cannot be loaded. @type {string[]} */
  let failing;

  beforeEach(async () => {
    backends = [];
    heard = [];
    failing = [];
    now = 1e6;
    mock.method(performance, "now", () => now);
    mock.method(
      LoadedModel,
      "load",
      async (/** @type {any} */ _, /** @type {any} */ __, /** @type {any} */ options) => {
        backends.push(options.backend);
        if (failing.includes(options.backend)) throw new Error(`There is no ${options.backend}.`);
        const lost = new Promise((resolve) => {
          lose = () => resolve(undefined);
        });
        limits.push(options.maxTokens);
        return {
          // The graphs of the first load cover 20 tokens.
          covers: (/** @type {number | null} */ limit) => limit !== null && limit <= 20,
          runner: { lost },
          backend: { description: options.backend },
          notes: [],
          close: async () => {},
        };
      },
    );
    limits = [];
    const session = {
      set_model() {},
      clear_model() {},
      limit_tokens: (/** @type {number} */ limit) => limits.push(`${limit} without a load`),
    };
    host = new ModelHost(null, session, "https://page.example/", new Serializer());
    host.on("lost", ({ message }) => heard.push(message));
    host.on("restarted", ({ backend }) => heard.push(backend));
    host.on("restart-failed", ({ message }) => heard.push(message));
    await host.load({ backend: "webgpu", files });
  });
  afterEach(() => mock.restoreAll());

  const AGAIN = "The GPU was lost: the model is being started again.";
  const ON_WASM = "The GPU was lost twice within a minute: the model is being started again, on WebAssembly.";

  test("loads the model again, and on WebAssembly once it is lost twice within a minute", async () => {
    lose();
    await until(() => heard.length === 2);
    now += 61_000;
    lose();
    await until(() => heard.length === 4);
    now += 59_000;
    lose();
    await until(() => heard.length === 6);
    assert.deepEqual(heard, [AGAIN, "webgpu", AGAIN, "webgpu", ON_WASM, "wasm"]);
    assert.equal(host.model?.backend.description, "wasm");
  });

  test("loads it with the limit on tokens that was set last", async () => {
    assert.equal(await host.limitTokens(12), true);
    assert.equal(await host.limitTokens(30), false);
    assert.equal(await host.limitTokens(0), false);
    lose();
    await until(() => heard.length === 2);
    assert.deepEqual(limits.slice(1), ["12 without a load", 12]);
    await host.unload();
    assert.equal(await host.limitTokens(12), false);
  });

  test("uses WebAssembly if there is no GPU any more", async () => {
    failing = ["webgpu"];
    lose();
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [AGAIN, "wasm"]);
  });

  test("reports it if nothing can run the model any more", async () => {
    failing = ["webgpu", "wasm"];
    lose();
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [AGAIN, "There is no wasm."]);
    assert.deepEqual(backends, ["webgpu", "webgpu", "wasm"]);
  });

  test("tries WebAssembly once if it may choose the backend itself", async () => {
    await host.load({ backend: "auto", files });
    failing = ["auto", "wasm"];
    lose();
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [AGAIN, "There is no auto."]);
    assert.deepEqual(backends, ["webgpu", "auto", "auto"]);
  });

  test("a task in a model whose GPU was lost fails with what to do", async () => {
    const { signal } = new AbortController();
    const model = host.model;
    const task = host.run(async () => {
      lose();
      throw new Error("The buffer is gone.");
    }, signal);
    const sentence =
      /The GPU was lost; the model is being started again: give the clip or frame once more\.$/;
    await assert.rejects(task, sentence);
    await host.settled();
    assert.equal(await host.run(async () => 1, signal), 1);
    assert.throws(() => host.requireSame(model), sentence);
    await host.unload();
    await assert.rejects(
      host.run(async () => 1, signal),
      { message: "There is no model." },
    );
  });

  test("a model that was unloaded or replaced is not loaded again", async () => {
    await host.unload();
    lose();
    await host.settled();
    assert.deepEqual([heard, backends], [[], ["webgpu"]]);
  });
});
