/**
 * Small files of a model for the tests.
 * @module
 */

/**
 * The bytes of a safetensors file with float32 tensors, which count up from 0.
 * @param {Record<string, number>} tensors how many elements each has
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function safetensors(tensors) {
  /** @type {Record<string, object>} */
  const header = {};
  let end = 0;
  for (const [name, count] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape: [count], data_offsets: [end, end + 4 * count] };
    end += 4 * count;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  for (let index = 0; index < end; index++) bytes[8 + text.length + index] = index;
  return bytes;
}
