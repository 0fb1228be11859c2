/**
 * Which of ONNX Runtime Web's backends this browser should run the model on.
 * @module
 */

import { withTimeLimit } from "../calls/time_limit.mjs";

/**
 * @typedef {"webgpu" | "wasm"} BackendName
 * @typedef {object} Backend
 * @property {BackendName} name
 * @property {GPUAdapter} [adapter] of WebGPU
 * @property {number} threads of WebAssembly
 * @property {string} description for people: backend and adapter
 */

const ADAPTER_TRIES = 5;
const ADAPTER_PAUSE_MS = 100;
// A driver that hangs is as good as none.
const ADAPTER_TIMEOUT_MS = 20_000;
const MOST_THREADS = 8;

/**
 * Hardware WebGPU if there is any, else WebAssembly, with threads where the page is cross-origin isolated.
 *
 * @param {BackendName | "auto"} [wanted] overrides the choice; only so is a software adapter ever taken
 * @returns {Promise<Backend>}
 * @throws {Error} with a sentence for the user if WebGPU is wanted and not to be had
 */
export async function chooseBackend(wanted = "auto") {
  if (wanted !== "wasm") {
    const adapter = await requestAdapter();
    if (adapter && (wanted === "webgpu" || !isSoftware(adapter))) return webgpu(adapter);
    if (wanted === "webgpu") {
      throw new Error("This browser has no WebGPU adapter: use backend=wasm, or a browser with WebGPU.");
    }
  }
  return wasm();
}

/** @param {GPUAdapter} adapter */
export function isSoftware({ info }) {
  return (
    info.isFallbackAdapter ||
    /swiftshader|llvmpipe|software/i.test(`${info.architecture} ${info.description}`)
  );
}

/**
 * Chromium answers null once just after its start, while it replaces its first GPU process.
 * @returns {Promise<GPUAdapter | null>}
 */
export async function requestAdapter() {
  const gpu = navigator.gpu;
  for (let tries = 0; gpu && tries < ADAPTER_TRIES; tries++) {
    const requested = gpu.requestAdapter({ powerPreference: "high-performance" });
    const adapter = await withTimeLimit(requested, ADAPTER_TIMEOUT_MS, "").catch(() => undefined);
    if (adapter === undefined) return null;
    if (adapter) return adapter;
    await new Promise((resolve) => setTimeout(resolve, ADAPTER_PAUSE_MS));
  }
  return null;
}

/**
 * What an adapter calls itself.
 * @param {GPUAdapter} adapter
 */
export function adapterName({ info: { vendor, architecture, description } }) {
  return description || [vendor, architecture].filter(Boolean).join(" ") || "unnamed adapter";
}

/**
 * @param {GPUAdapter} adapter
 * @returns {Backend}
 */
function webgpu(adapter) {
  return { name: "webgpu", adapter, threads: 1, description: `WebGPU on ${adapterName(adapter)}` };
}

/** @returns {Backend} */
function wasm() {
  return wasmBackend(
    globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1,
  );
}

/**
 * @param {number} threads
 * @returns {Backend}
 */
export function wasmBackend(threads) {
  const description = `WebAssembly, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
  return { name: "wasm", threads, description };
}
