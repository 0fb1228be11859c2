/**
 * Memory of NumPy arrays, seen from JavaScript.
 * @module
 */

/**
 * Lends the memory of a contiguous uint8 array to a function; it must not be kept.
 * @template T
 * @param {any} array a Pyodide proxy that stays its owner's, such as an argument of a call from Python
 * @param {(memory: Uint8ClampedArray<ArrayBuffer>) => T} use
 * @returns {T}
 */
export function borrowMemory(array, use) {
  const view = array.getBuffer("u8clamped");
  try {
    return use(view.data);
  } finally {
    view.release();
  }
}

/**
 * As `borrowMemory`, for an array that Python has returned: its proxy is destroyed.
 * @template T
 * @param {any} array
 * @param {(memory: Uint8ClampedArray<ArrayBuffer>) => T} use
 * @returns {T}
 */
export function withMemory(array, use) {
  try {
    return borrowMemory(array, use);
  } finally {
    array.destroy();
  }
}
