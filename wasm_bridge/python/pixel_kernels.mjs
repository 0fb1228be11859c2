/**
 * Lets Python use WebAssembly's SIMD: a second module, `pixel_kernels.wat`, works in Pyodide's memory. Without it
 * (Safari before 16.4, or the file is missing) NumPy does the same more slowly.
 * @module
 */

import { STALL_MS, withTimeLimit } from "../calls/time_limit.mjs";

// The page waits so long for a file of two kilobytes that it can do without.
const PATIENCE_MS = 3000;

/**
 * @param {URL} url of the assembled module
 * @param {RequestInit} [init]
 * @returns {Promise<ArrayBuffer | undefined>} the module; undefined where it does not arrive
 */
export async function fetchKernels(url, init) {
  try {
    const response = await withTimeLimit(fetch(url, init), STALL_MS, "");
    return response.ok ? await withTimeLimit(response.arrayBuffer(), STALL_MS, "") : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {any} pyodide with `autogaze_web`
 * @param {Promise<ArrayBuffer | undefined>} arriving what `fetchKernels` returned, long before as a rule
 * @returns {Promise<boolean>} whether Python uses them; not if the module still takes seconds to arrive
 */
export async function installKernels(pyodide, arriving) {
  const module = await withTimeLimit(arriving, PATIENCE_MS, "").catch(() => undefined);
  const exports = module && (await instantiateKernels(module, pyodide._module.memory));
  if (!exports) return false;
  const python = pyodide.pyimport("autogaze_web.page.simd_kernels");
  python.install(exports);
  python.destroy();
  return true;
}

/**
 * @param {ArrayBuffer} module
 * @param {WebAssembly.Memory} memory that its functions work in
 * @returns {Promise<WebAssembly.Exports | undefined>} undefined where the browser has no SIMD
 */
export async function instantiateKernels(module, memory) {
  try {
    const { instance } = await WebAssembly.instantiate(module, { python: { memory } });
    return instance.exports;
  } catch {
    return undefined;
  }
}
