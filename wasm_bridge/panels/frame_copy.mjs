/**
 * Copies the pixels of video frames without drawing them, where the browser does that as exactly as it draws.
 *
 * `VideoFrame.copyTo` with a format writes RGBA straight into Python's memory, in a quarter of the time of drawing
 * the frame on a canvas and reading that. Older browsers ignore the format, and nothing promises the same rounding:
 * the first frame of each kind is therefore drawn as well, and the kind is copied from then on only if every byte is
 * equal.
 * @module
 */

const BYTES = 4;
/** Opaque formats of decoders and cameras. Browsers that ignore the wanted format need another size for these. */
const PLANAR = ["I420", "NV12", "I422", "I444"];

/**
 * @typedef {Uint8ClampedArray<ArrayBuffer>} Rows RGBA
 * @typedef {{ width: number, height: number, mirror?: boolean | undefined }} Wanted
 */

export class FrameCopier {
  /** By the kind of frame: whether copies are equal to drawings. @type {Map<string, boolean>} */
  #equal = new Map();

  /**
   * Whether a frame can be copied, as far as is known.
   * @param {CanvasImageSource} image
   * @param {Wanted} wanted
   * @returns {image is VideoFrame}
   */
  takes(image, { width, height, mirror = false }) {
    if (mirror || !isVideoFrame(image) || !isCopied(image, width, height)) return false;
    return this.#equal.get(kindOf(image)) !== false;
  }

  /**
   * Copies a frame's pixels.
   * @param {CanvasImageSource} image
   * @param {Wanted} wanted
   * @param {Rows} memory to write to, without padding; it may be detached meanwhile
   * @param {() => Rows} draw draws the frame and returns its rows
   * @returns {Promise<boolean>} false if it has to be drawn: the memory is then undefined
   */
  async copy(image, wanted, memory, draw) {
    if (!this.takes(image, wanted) || memory.byteLength !== BYTES * wanted.width * wanted.height)
      return false;
    const kind = kindOf(image);
    let failed = false;
    await image.copyTo(memory, { format: "RGBA" }).catch(() => {
      failed = true;
    });
    // Python's memory was moved when it grew: what was written is lost, which says nothing about the browser.
    if (memory.byteLength === 0) return false;
    if (failed || !this.#equal.has(kind)) this.#equal.set(kind, !failed && isSame(memory, draw()));
    return this.#equal.get(kind) === true;
  }
}

/**
 * @param {CanvasImageSource} image
 * @returns {image is VideoFrame}
 */
function isVideoFrame(image) {
  return typeof VideoFrame !== "undefined" && image instanceof VideoFrame;
}

/**
 * Whether a copy has the pixels of the frame as it is displayed.
 * @param {VideoFrame} frame
 * @param {number} width
 * @param {number} height
 */
function isCopied(frame, width, height) {
  const { format, visibleRect, displayWidth, displayHeight } = frame;
  const { rotation = 0, flip = false } = /** @type {{ rotation?: number, flip?: boolean }} */ (frame);
  return (
    format !== null &&
    PLANAR.includes(format) &&
    rotation === 0 &&
    !flip &&
    visibleRect?.width === width &&
    visibleRect.height === height &&
    displayWidth === width &&
    displayHeight === height &&
    sizeOfCopy(frame) === BYTES * width * height
  );
}

/**
 * @param {VideoFrame} frame
 * @returns {number} bytes; 0 if the browser cannot convert it
 */
function sizeOfCopy(frame) {
  try {
    return frame.allocationSize({ format: "RGBA" });
  } catch {
    return 0;
  }
}

/** @param {VideoFrame} frame */
function kindOf({ format, colorSpace, codedWidth, codedHeight }) {
  return JSON.stringify([format, codedWidth, codedHeight, colorSpace.toJSON?.()]);
}

/**
 * @param {Rows} one
 * @param {Rows} other
 */
function isSame(one, other) {
  const [first, second] = [one, other].map(
    ({ buffer, byteOffset, byteLength }) => new Uint32Array(buffer, byteOffset, byteLength / BYTES),
  );
  return first?.length === second?.length && first?.every((word, i) => word === second?.[i]) === true;
}
