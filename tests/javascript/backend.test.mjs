import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import {
  adapterName,
  chooseBackend,
  isSoftware,
  requestAdapter,
  wasmBackend,
} from "../../wasm_bridge/runner/backend.mjs";
import { buildFor, ORT_FOLDER, ortFiles } from "../../wasm_bridge/runner/ort_files.mjs";
import { startFault } from "../../wasm_bridge/runner/ort_loader.mjs";

/** @param {object} info */
const adapter = (info) => /** @type {GPUAdapter} */ ({ info });
const HARDWARE = adapter({ vendor: "nvidia", architecture: "hopper", description: "" });
const SOFTWARE = adapter({ vendor: "google", architecture: "swiftshader", description: "" });

/** @param {(GPUAdapter | null)[]} answers of one request after the other; the last one stays */
function offerAdapters(...answers) {
  const requests = { count: 0 };
  const requestAdapter = async () => answers[Math.min(requests.count++, answers.length - 1)] ?? null;
  Object.defineProperty(globalThis.navigator, "gpu", { value: { requestAdapter }, configurable: true });
  return requests;
}

/** @param {boolean} isolated @param {number} cores */
function setThreads(isolated, cores) {
  Object.defineProperty(globalThis, "crossOriginIsolated", { value: isolated, configurable: true });
  Object.defineProperty(globalThis.navigator, "hardwareConcurrency", { value: cores, configurable: true });
}

/** @param {Promise<unknown>} promise that waits for timers one after the other */
async function withoutWaiting(promise) {
  let done = false;
  const settle = () => {
    done = true;
  };
  promise.then(settle, settle);
  while (!done) {
    await new Promise((go) => setImmediate(go));
    mock.timers.runAll();
  }
  return promise;
}

describe("chooseBackend", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    setThreads(false, 16);
  });
  afterEach(() => mock.timers.reset());

  test("takes hardware by itself, a software adapter only if WebGPU is wanted", async () => {
    offerAdapters(HARDWARE);
    const backend = await chooseBackend();
    assert.deepEqual([backend.name, backend.description], ["webgpu", "WebGPU on nvidia hopper"]);
    offerAdapters(SOFTWARE);
    assert.equal((await chooseBackend()).name, "wasm");
    assert.equal((await chooseBackend("webgpu")).adapter, SOFTWARE);
  });

  test("does not even ask for an adapter where WebAssembly is wanted", async () => {
    const requests = offerAdapters(HARDWARE);
    assert.equal((await chooseBackend("wasm")).name, "wasm");
    assert.equal(requests.count, 0);
  });

  test("without an adapter is WebAssembly, or says that there is none", async () => {
    offerAdapters(null);
    assert.equal((await /** @type {Promise<any>} */ (withoutWaiting(chooseBackend()))).name, "wasm");
    await assert.rejects(withoutWaiting(chooseBackend("webgpu")), {
      message: "This browser has no WebGPU adapter: use backend=wasm, or a browser with WebGPU.",
    });
  });

  test("asks again for an adapter that comes late, but not for ever", async () => {
    const late = offerAdapters(null, null, HARDWARE);
    assert.equal(await withoutWaiting(requestAdapter()), HARDWARE);
    assert.equal(late.count, 3);
    const never = offerAdapters(null);
    assert.equal(await withoutWaiting(requestAdapter()), null);
    assert(never.count > 3);
  });

  test("has threads only on isolated pages, at most eight", async () => {
    for (const [isolated, cores, threads] of /** @type {[boolean, number, number][]} */ ([
      [false, 16, 1],
      [true, 1, 1],
      [true, 3, 3],
      [true, 16, 8],
      [true, 0, 1],
    ])) {
      setThreads(isolated, cores);
      assert.deepEqual(await chooseBackend("wasm"), wasmBackend(threads));
    }
    assert.equal(wasmBackend(1).description, "WebAssembly, 1 thread");
    assert.equal(wasmBackend(8).description, "WebAssembly, 8 threads");
  });
});

test("software adapters are known by any of their names", () => {
  for (const info of [
    { isFallbackAdapter: true, architecture: "", description: "" },
    { architecture: "swiftshader", description: "" },
    { architecture: "", description: "llvmpipe (LLVM 15)" },
    { architecture: "", description: "Software Renderer" },
  ])
    assert(isSoftware(adapter(info)), JSON.stringify(info));
  assert(!isSoftware(HARDWARE));
});

test("an adapter is called by its description, else by vendor and architecture", () => {
  assert.equal(adapterName(adapter({ vendor: "a", architecture: "b", description: "c" })), "c");
  assert.equal(adapterName(adapter({ vendor: "a", architecture: "", description: "" })), "a");
  assert.equal(adapterName(adapter({ vendor: "", architecture: "", description: "" })), "unnamed adapter");
});

test("each backend loads its own build of ONNX Runtime and no other", (context) => {
  const had = Object.getOwnPropertyDescriptor(WebAssembly, "Suspending");
  context.after(() => had && Object.defineProperty(WebAssembly, "Suspending", had));
  Object.defineProperty(WebAssembly, "Suspending", { value: class {}, configurable: true });
  assert.deepEqual(ortFiles("wasm"), [
    `${ORT_FOLDER}ort.wasm.min.mjs`,
    `${ORT_FOLDER}ort-wasm-simd-threaded.mjs`,
    `${ORT_FOLDER}ort-wasm-simd-threaded.wasm`,
  ]);
  assert.equal(buildFor("webgpu")[1], "ort-wasm-simd-threaded.jspi");
  // @ts-expect-error: an older browser lacks it
  delete WebAssembly.Suspending;
  assert.equal(buildFor("webgpu")[1], "ort-wasm-simd-threaded.asyncify");
  assert.equal(buildFor("wasm")[1], "ort-wasm-simd-threaded");
});

test("a failed start of ONNX Runtime becomes a sentence, any other error stays as it is", () => {
  const failed = startFault(new Error("no available backend found. ERR: [wasm] x\nmore"));
  assert(failed instanceof Error);
  assert.match(
    failed.message,
    /^ONNX Runtime could not be started: .*\(no available backend found. ERR: \[wasm\] x\)\.$/,
  );
  assert.equal(startFault(failed), failed);
  const fromWorker = new Error(failed.message);
  assert.equal(startFault(fromWorker), fromWorker);
  const other = new Error("out of memory");
  assert.equal(startFault(other), other);
});
