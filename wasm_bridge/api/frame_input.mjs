/**
 * Converts pictures of any kind to frames for the worker.
 * @module
 */

/** @import { ImageFrame, PixelFrame } from "./protocol.mjs" */

/**
 * RGBA rows: an `ImageData`, or an object like one.
 * @typedef {{ data: Uint8ClampedArray | Uint8Array, width: number, height: number }} Pixels
 * @typedef {VideoFrame | ImageBitmap | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas | HTMLImageElement | Blob} Picture
 * @typedef {Pixels | Picture} FrameInput
 */

/**
 * @param {FrameInput} given is not transferred or closed
 * @param {{ width?: number, height?: number }} size the size to scale to; by default the picture's own
 * @returns {Promise<{ frame: PixelFrame | ImageFrame, transfer: Transferable[] }>}
 * @throws {Error} with a sentence that says what is wrong with it
 */
export async function frameOf(given, size) {
  if (isPixels(given)) {
    const { data, width, height } = given;
    const pixels = checkedRgba(data, width, height, 1).slice();
    const unscaled = (size.width ?? width) === width && (size.height ?? height) === height;
    if (unscaled) return { frame: { pixels, width, height }, transfer: [pixels.buffer] };
    return imageFrame(await createImageBitmap(new ImageData(pixels, width, height)), size);
  }
  if (typeof VideoFrame !== "undefined" && given instanceof VideoFrame) {
    if (given.format === null) throw new Error("The VideoFrame was closed: give it before closing it.");
    return imageFrame(given.clone(), size);
  }
  try {
    return imageFrame(await createImageBitmap(/** @type {ImageBitmapSource} */ (given)), size);
  } catch {
    throw new Error(
      "A frame is a VideoFrame, an ImageBitmap, an image, video or canvas with a picture in it, or " +
        "{ data, width, height } with RGBA bytes; this is none of them.",
    );
  }
}

/**
 * Checks the RGBA bytes of a clip.
 *
 * @param {unknown} rgba
 * @param {unknown} width
 * @param {unknown} height
 * @param {unknown} frames
 * @returns {Uint8ClampedArray<ArrayBuffer>} the same memory
 * @throws {Error} saying what was expected
 */
export function checkedRgba(rgba, width, height, frames) {
  for (const [name, count] of Object.entries({ width, height, frames })) {
    if (!Number.isInteger(count) || Number(count) < 1)
      throw new Error(`${name} is a whole number of at least 1, got ${String(count)}.`);
  }
  const bytes = rgba instanceof ArrayBuffer ? new Uint8ClampedArray(rgba) : rgba;
  if (!(bytes instanceof Uint8ClampedArray || bytes instanceof Uint8Array))
    throw new Error(
      "The pixels are RGBA bytes: a Uint8ClampedArray, a Uint8Array or an ArrayBuffer, such as the data of an ImageData.",
    );
  const expected = 4 * Number(width) * Number(height) * Number(frames);
  if (bytes.length !== expected)
    throw new Error(
      `${frames === 1 ? "1 frame" : `${frames} frames`} of ${width}x${height} pixels ${frames === 1 ? "is" : "are"} ` +
        `${expected} bytes of RGBA, got ${bytes.length}.`,
    );
  return new Uint8ClampedArray(/** @type {ArrayBuffer} */ (bytes.buffer), bytes.byteOffset, bytes.length);
}

/**
 * @param {unknown} given
 * @returns {given is Pixels}
 */
function isPixels(given) {
  return typeof given === "object" && given !== null && "data" in given;
}

/**
 * @param {VideoFrame | ImageBitmap} image will be transferred
 * @param {{ width?: number, height?: number }} size
 */
function imageFrame(image, size) {
  const [width, height] =
    image instanceof ImageBitmap ? [image.width, image.height] : [image.displayWidth, image.displayHeight];
  const frame = { image, width: size.width ?? width, height: size.height ?? height };
  return { frame, transfer: [image] };
}
