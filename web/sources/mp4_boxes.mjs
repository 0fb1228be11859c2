/**
 * The boxes of which an MP4 or MOV consists (ISO/IEC 14496-12, 4.2).
 * @module
 */

/** @typedef {{ type: string, start: number, end: number }} Box its content */

// A box of a few bytes can state any number of samples.
const MAX_SAMPLES = 5e6;

/** The content of the box that a view consists of. @param {DataView} view @returns {Box} */
export function contentOf(view) {
  const [box] = childrenOf(view, { type: "", start: 0, end: view.byteLength });
  return box ?? { type: "", start: 0, end: 0 };
}

/**
 * @param {DataView} view
 * @param {Box} parent
 * @returns {Generator<Box, void>}
 */
export function* childrenOf(view, { start, end }) {
  let at = start;
  while (at + 8 <= Math.min(end, view.byteLength)) {
    let size = view.getUint32(at);
    let content = at + 8;
    if (size === 1 && at + 16 <= view.byteLength) {
      size = Number(view.getBigUint64(at + 8));
      content = at + 16;
    } else if (size === 0) size = end - at;
    if (size < content - at) return;
    yield { type: textAt(view, at + 4), start: content, end: Math.min(at + size, end) };
    at += size;
  }
}

/**
 * @param {DataView} view
 * @param {Box} parent
 * @param {string[]} path
 * @returns {Box | undefined}
 */
export function find(view, parent, ...path) {
  /** @type {Box | undefined} */
  let box = parent;
  for (const name of path) box = box && [...childrenOf(view, box)].find(({ type }) => type === name);
  return box;
}

/**
 * @param {DataView} view
 * @param {Box | undefined} box entries of a count and a value
 * @param {boolean} [signed]
 * @param {number} [fileSize] a sample has a byte at least
 * @throws {RangeError} if there are more samples than such a file can have
 */
export function runs(view, box, signed = false, fileSize = MAX_SAMPLES) {
  /** @type {number[]} */
  const values = [];
  if (!box) return values;
  const entries = view.getUint32(box.start + 4);
  for (let entry = 0; entry < entries; entry++) {
    const at = box.start + 8 + 8 * entry;
    const value = signed ? view.getInt32(at + 4) : view.getUint32(at + 4);
    const count = view.getUint32(at);
    if (values.length + count > Math.min(fileSize, MAX_SAMPLES)) throw new RangeError("too many samples");
    for (let index = 0; index < count; index++) values.push(value);
  }
  return values;
}

/** @param {DataView} view @param {Box} box whose fields are twice as wide in version 1 */
export function isLong(view, box) {
  return view.getUint8(box.start) === 1;
}

/** @param {DataView} view @param {number} at */
export function textAt(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}
