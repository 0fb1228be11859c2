/**
 * Writes a GIF with gifenc: 256 colours for each picture, at most 960 pixels wide.
 * @module
 */

const LIBRARY = new URL("../../runtime/recording/gifenc.mjs", import.meta.url).href;
const MAX_WIDTH = 960;
const COLOURS = 256;
// A GIF counts hundredths of a second, and players show fewer than two of them as ten.
const TICK_MS = 10;
const MIN_TICKS = 2;

export class GifWriter {
  bytes = 0;

  /** @type {any} gifenc, which has no types */
  #library;
  /** @type {any} */
  #gif;
  #canvas = new OffscreenCanvas(1, 1);
  #ticks = 0;

  /**
   * @param {ImageBitmap} image later ones are fitted into the size of the first
   * @param {number} start in milliseconds
   * @param {number} end
   */
  async add(image, start, end) {
    if (!this.#gif) await this.#open(image);
    const { quantize, applyPalette } = this.#library;
    const pixels = this.#pixels(image);
    const palette = quantize(pixels, COLOURS);
    const ticks = Math.max(MIN_TICKS, Math.round(end / TICK_MS) - this.#ticks);
    this.#ticks = Math.max(this.#ticks, Math.round(start / TICK_MS)) + ticks;
    this.#gif.writeFrame(applyPalette(pixels, palette), this.#canvas.width, this.#canvas.height, {
      palette,
      delay: ticks * TICK_MS,
    });
    this.bytes = this.#gif.bytesView().length;
  }

  /** @returns {Promise<Blob>} */
  async finish() {
    this.#gif.finish();
    return new Blob([this.#gif.bytes()], { type: "image/gif" });
  }

  /** @param {ImageBitmap} image */
  async #open({ width, height }) {
    this.#library = await import(LIBRARY);
    this.#gif = this.#library.GIFEncoder();
    const scale = Math.min(1, MAX_WIDTH / width);
    this.#canvas.width = Math.max(1, Math.round(width * scale));
    this.#canvas.height = Math.max(1, Math.round(height * scale));
  }

  /** @param {ImageBitmap} image */
  #pixels(image) {
    const { width, height } = this.#canvas;
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("this browser cannot draw in a worker; use a newer one.");
    const scale = Math.min(width / image.width, height / image.height);
    const [w, h] = [image.width * scale, image.height * scale];
    context.fillStyle = "#101217";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "medium";
    context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
    return context.getImageData(0, 0, width, height).data;
  }
}
