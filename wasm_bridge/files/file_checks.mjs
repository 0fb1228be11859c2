/**
 * Cheap checks that bytes are the expected kind of file, made before anything is stored. Python validates the
 * content.
 * @module
 */

import { MODEL_FILES } from "./model_source.mjs";

/** @import { Role } from "./model_source.mjs" */

// The limit of the safetensors library.
const MAX_HEADER_BYTES = 100_000_000;
const NOT_SAFETENSORS = "is not a safetensors file";

/**
 * @param {Role} role
 * @param {Uint8Array<ArrayBuffer>} bytes of the whole file
 * @param {string} where the file is from: an address or a file's name
 * @param {string} remedy what to do about a wrong file
 * @param {string} [name] by which such a file is known
 * @throws {Error} with a sentence for the user if the bytes are not such a file or are truncated
 */
export function checkFile(role, bytes, where, remedy, name = MODEL_FILES[role].name) {
  check(name, bytes, where, remedy, role === "weights" ? faultOfWeights : faultOfJson);
}

/**
 * As `checkFile`, of the first bytes of weights.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} where
 * @param {string} remedy
 */
export function checkHead(bytes, where, remedy) {
  check(MODEL_FILES.weights.name, bytes, where, remedy, (head) =>
    headLength(head) === null ? NOT_SAFETENSORS : null,
  );
}

/**
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} where
 * @param {string} remedy
 * @param {(bytes: Uint8Array<ArrayBuffer>) => string | null} faultOf
 */
function check(name, bytes, where, remedy, faultOf) {
  const start = new TextDecoder().decode(bytes.subarray(0, 200)).trimStart();
  /** @param {string} what */
  const wrong = (what) => new Error(`${where} ${what}: ${remedy}.`);
  if (bytes.length === 0) throw wrong(`is empty where a ${name} should be`);
  // The length of a safetensors header can begin with the byte of "<", but always ends with 0.
  if (start.startsWith("<") && bytes[7] !== 0) throw wrong(`is a web page (HTML), not a ${name}`);
  if (start.startsWith("version https://git-lfs"))
    throw wrong(
      `is a Git LFS pointer to the ${name}, not the file itself (on huggingface.co "resolve" in an address gives the file, "raw" the pointer)`,
    );
  const fault = faultOf(bytes);
  if (fault) throw wrong(fault);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function faultOfJson(bytes) {
  try {
    JSON.parse(textOf(bytes));
    return null;
  } catch (error) {
    return error instanceof SyntaxError ? "is not valid JSON" : "is not valid JSON (it is not UTF-8 text)";
  }
}

/**
 * What is wrong with the header or the amount of data that it describes; null if nothing is.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function faultOfWeights(bytes) {
  const dataStart = headLength(bytes);
  if (dataStart === null) return NOT_SAFETENSORS;
  if (bytes.length < dataStart) return truncated(bytes.length, dataStart);
  let header;
  try {
    header = JSON.parse(textOf(bytes.subarray(8, dataStart)));
  } catch {
    return NOT_SAFETENSORS;
  }
  let end = dataStart;
  for (const tensor of Object.values(header)) {
    const last = tensor?.data_offsets?.[1];
    if (typeof last === "number") end = Math.max(end, dataStart + last);
  }
  return bytes.length < end ? truncated(bytes.length, end) : null;
}

/**
 * Bytes of a safetensors file's header with the length before it; null if the file is no such file.
 * @param {Uint8Array<ArrayBuffer>} bytes the first of the file
 */
export function headLength(bytes) {
  if (bytes.length < 8) return null;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length < 2) return null;
  return bytes.length > 8 && bytes[8] !== "{".charCodeAt(0) ? null : 8 + length;
}

/**
 * What is wrong with a file of too few bytes.
 * @param {number} actual
 * @param {number} needed
 */
export function truncated(actual, needed) {
  return `is truncated: it has ${actual.toLocaleString("en")} bytes of at least ${needed.toLocaleString("en")}`;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes of a JSON file
 * @throws {TypeError} if they are not UTF-8
 */
export function textOf(bytes) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
