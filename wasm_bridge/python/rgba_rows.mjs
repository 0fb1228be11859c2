/**
 * RGBA pixels as JavaScript has them, row after row, and as Python has them: in rows of an even number of
 * pixels, of which the last one of an odd width is zero.
 * @module
 */

/**
 * @param {Uint8ClampedArray<ArrayBuffer>} memory rows of an even number of pixels, to be written
 * @param {Uint8Array | Uint8ClampedArray} pixels rows of `width` pixels
 * @param {number} width
 */
export function writeRows(memory, pixels, width) {
  if (width % 2 === 0) {
    memory.set(pixels);
    return;
  }
  const [from, to] = [4 * width, 4 * (width + 1)];
  for (let row = 0; row * from < pixels.length; row++) {
    memory.set(pixels.subarray(row * from, (row + 1) * from), row * to);
  }
}

/**
 * @param {Uint8ClampedArray} memory rows of an even number of pixels
 * @param {number} width
 * @param {number} height
 */
export function copyRows(memory, width, height) {
  if (width % 2 === 0) return new Uint8ClampedArray(memory);
  const rowBytes = memory.length / height;
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    pixels.set(memory.subarray(y * rowBytes, y * rowBytes + 4 * width), y * 4 * width);
  }
  return pixels;
}
