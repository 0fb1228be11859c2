/**
 * The memory of NumPy arrays, as JavaScript sees it.
 * @module
 */

/**
 * Calls a function with the memory of an array that Python passed as an argument. The memory is valid only until
 * the function returns, and the array's proxy stays Python's.
 * @template T
 * @param {any} array contiguous uint8, as a Pyodide proxy
 * @param {(memory: Uint8ClampedArray<ArrayBuffer>) => T} use
 * @returns {T}
 */
export function withArgumentMemory(array, use) {
  const view = array.getBuffer("u8clamped");
  try {
    return use(view.data);
  } finally {
    view.release();
  }
}

/**
 * As `withArgumentMemory`, for an array that Python returned: its proxy is destroyed.
 * @template T
 * @param {any} array
 * @param {(memory: Uint8ClampedArray<ArrayBuffer>) => T} use
 * @returns {T}
 */
export function withMemory(array, use) {
  try {
    return withArgumentMemory(array, use);
  } finally {
    array.destroy();
  }
}
