/**
 * The tensors in the bytes of a safetensors file. Python validates the file's header and says where they lie
 * (`PageModel.weight_tables` of `py/autogaze_web/page/model.py`); the tensors themselves never go there.
 * @module
 */

/** A tensor's name, its dtype, and its first and last byte in the file, the latter exclusive.
 * @typedef {[name: string, dtype: "F32" | "F16" | "BF16", start: number, end: number]} TableEntry
 */

// The longest header that Python accepts.
const MAX_HEADER_BYTES = 100_000_000;
const LISTED_NAMES = 80;
const EXPONENT = 0x7f800000;

/**
 * The header of a safetensors file with the eight bytes of its length, or as much of them as there is.
 * @param {Uint8Array<ArrayBuffer>} file
 */
export function headerBytes(file) {
  if (file.length < 8) return file;
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return file.subarray(0, 8 + (length > MAX_HEADER_BYTES ? 0 : length));
}

/**
 * The tensors as little-endian float32 bytes. Those that are float32 already stay views of the file.
 *
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {TableEntry[]} table
 * @returns {Map<string, Uint8Array<ArrayBuffer>>} by name
 * @throws {Error} with a sentence for the user if a value is not finite
 */
export function float32Weights(file, table) {
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const weights = new Map();
  const bad = [];
  for (const [name, dtype, start, end] of table) {
    const bytes = aligned(file, start, end);
    const bits = dtype === "F32" ? words(bytes) : WIDENED[dtype](halves(bytes));
    if (!allFinite(bits)) bad.push(name);
    weights.set(name, new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength));
  }
  if (bad.length > 0) {
    const more = bad.length > LISTED_NAMES ? ` and ${bad.length - LISTED_NAMES} more` : "";
    throw new Error(
      `the weights hold NaN or infinity in ${bad.slice(0, LISTED_NAMES).join(", ")}${more}: ` +
        "the file is damaged, download it again",
    );
  }
  return weights;
}

/** From the dtypes of 16 bits to the bits of float32 values. */
const WIDENED = {
  /** The upper half of a float32. @param {Uint16Array} values */
  BF16(values) {
    const bits = new Uint32Array(values.length);
    for (let index = 0; index < values.length; index++) bits[index] = (values[index] ?? 0) << 16;
    return bits;
  },

  /** IEEE 754 binary16. @param {Uint16Array} values */
  F16(values) {
    const floats = new Float32Array(values.length);
    const bits = words(new Uint8Array(floats.buffer));
    for (let index = 0; index < values.length; index++) {
      const half = values[index] ?? 0;
      const sign = (half & 0x8000) << 16;
      const exponent = (half >> 10) & 31;
      const mantissa = half & 0x3ff;
      if (exponent === 0) floats[index] = (sign ? -1 : 1) * mantissa * 2 ** -24;
      else bits[index] = sign | (exponent === 31 ? EXPONENT : (exponent + 112) << 23) | (mantissa << 13);
    }
    return bits;
  },
};

/**
 * Loops here and above: a callback for each value takes ten times as long.
 * @param {Uint32Array} bits of float32 values
 */
function allFinite(bits) {
  for (let index = 0; index < bits.length; index++) {
    if (((bits[index] ?? 0) & EXPONENT) === EXPONENT) return false;
  }
  return true;
}

/**
 * Bytes of the file; a copy if they begin where no float32 may, after a header of odd length.
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {number} start
 * @param {number} end
 */
function aligned(file, start, end) {
  return (file.byteOffset + start) % 4 === 0 ? file.subarray(start, end) : file.slice(start, end);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function words(bytes) {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function halves(bytes) {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}
