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

/**
 * As `withMemory`, until a promise is settled. Python's memory may grow before that: then the memory that was given is
 * detached, and has no bytes any more.
 * @template T
 * @param {any} array
 * @param {(memory: Uint8ClampedArray<ArrayBuffer>) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withMemoryUntil(array, use) {
  try {
    const view = array.getBuffer("u8clamped");
    try {
      return await use(view.data);
    } finally {
      view.release();
    }
  } finally {
    array.destroy();
  }
}

/**
 * The arrays that Python packed into one block of memory (`pack_arrays` of `py/autogaze_web/page/bridge.py`), as
 * copies.
 * @param {[name: string, dtype: string, start: number, bytes: number][]} places
 * @param {any} packed a NumPy array, as a Pyodide proxy that stays Python's
 * @returns {Record<string, Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>>}
 */
export function unpacked(places, packed) {
  const bytes = withArgumentMemory(packed, (memory) => memory.slice().buffer);
  return Object.fromEntries(
    places.map(([name, dtype, start, length]) => {
      if (dtype === "uint8") return [name, new Uint8ClampedArray(bytes, start, length)];
      const Type = dtype === "int32" ? Int32Array : Float32Array;
      return [name, new Type(bytes, start, length / Type.BYTES_PER_ELEMENT)];
    }),
  );
}
