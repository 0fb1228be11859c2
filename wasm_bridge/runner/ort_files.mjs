/**
 * Which files of ONNX Runtime Web a backend needs in this browser.
 * @module
 */

/** @import { BackendName } from "./backend.mjs" */

export const ORT_FOLDER = "runtime/onnxruntime/";

// Loader and program of each build. JSPI lets WebAssembly wait for the GPU by itself; where it is missing
// the larger asyncify build does the same.
/** @type {Record<"wasm" | "jspi" | "asyncify", [string, string]>} */
const BUILDS = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded"],
  jspi: ["ort.jspi.min.mjs", "ort-wasm-simd-threaded.jspi"],
  asyncify: ["ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify"],
};

/**
 * The files of the site that `loadOrt` loads.
 * @param {BackendName} backend
 * @returns {string[]} paths
 */
export function ortFiles(backend) {
  const [loader, program] = buildFor(backend);
  return [loader, `${program}.mjs`, `${program}.wasm`].map((name) => ORT_FOLDER + name);
}

/** @param {BackendName} backend */
export function buildFor(backend) {
  return BUILDS[backend === "wasm" ? "wasm" : "Suspending" in WebAssembly ? "jspi" : "asyncify"];
}
