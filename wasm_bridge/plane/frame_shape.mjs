/**
 * How a frame lies in a buffer of the GPU, and which frames fit.
 * @module
 */

/** Blocks of the squared errors, in pixels: `BLOCK_ROWS` and twice `BLOCK_WORDS` of `py/autogaze_web/frames/changes.py`. */
export const BLOCK = { rows: 16, columns: 32 };

// Copies between buffers and textures want rows of a multiple of 256 bytes.
const ROW_PIXELS = 64;

/** Of a pixel. */
export const BYTES = 4;

/** What textures and canvases hold: bytes of red, green, blue and alpha, as the buffers do. */
export const FORMAT = "rgba8unorm";

/** @typedef {[y0: number, x0: number, y1: number, x1: number]} Box in pixels, without y1 and x1 */

/**
 * @typedef {object} FrameShape
 * @property {number} height in pixels
 * @property {number} width in pixels
 * @property {number} stride pixels from one row to the next
 * @property {number} bytes of all rows
 * @property {number} blockRows
 * @property {number} blockColumns
 */

/**
 * @param {number} height
 * @param {number} width
 * @returns {FrameShape}
 */
export function frameShape(height, width) {
  const stride = Math.ceil(width / ROW_PIXELS) * ROW_PIXELS;
  return {
    height,
    width,
    stride,
    bytes: BYTES * stride * height,
    blockRows: Math.ceil(height / BLOCK.rows),
    blockColumns: Math.ceil(width / BLOCK.columns),
  };
}

/**
 * Why a device cannot work on frames of a size: a sentence for the user, or "" if it can.
 * @param {Pick<GPUSupportedLimits, "maxBufferSize" | "maxStorageBufferBindingSize" | "maxTextureDimension2D">} limits of
 *   the device
 * @param {number} height
 * @param {number} width
 */
export function refusal(limits, height, width) {
  const { bytes } = frameShape(height, width);
  const fits =
    bytes <= Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) &&
    Math.max(height, width) <= limits.maxTextureDimension2D;
  return fits
    ? ""
    : `Frames of ${width}x${height} pixels are too large for this graphics card, so the processor does the pixel work: choose a smaller frame size.`;
}

/**
 * The columns of some rows of a frame, one row directly after the other.
 * @param {Uint8Array} rows with `stride` pixels each
 * @param {number} stride
 * @param {number} first column
 * @param {number} end column, exclusive
 */
export function columnsOf(rows, stride, first, end) {
  const count = rows.length / (BYTES * stride);
  const pixels = new Uint8ClampedArray(BYTES * (end - first) * count);
  for (let row = 0; row < count; row++) {
    const start = BYTES * row * stride;
    pixels.set(rows.subarray(start + BYTES * first, start + BYTES * end), BYTES * row * (end - first));
  }
  return pixels;
}

/**
 * Where a copy between a buffer and a texture finds the rows.
 * @param {GPUBuffer} buffer
 * @param {FrameShape} shape
 */
export function layoutOf(buffer, { stride }) {
  return { buffer, bytesPerRow: BYTES * stride };
}

/**
 * What such a copy copies.
 * @param {FrameShape} shape
 */
export function sizeOf({ width, height }) {
  return { width, height };
}
