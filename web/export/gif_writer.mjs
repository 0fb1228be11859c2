/**
 * Writes a GIF with gifenc: 256 colours for each picture, at most 960 pixels wide.
 * @module
 */

import { GifDelays } from "./gif_delays.mjs";

const LIBRARY = new URL("../../runtime/recording/gifenc.mjs", import.meta.url).href;
const MAX_WIDTH = 960;
const COLOURS = 256;

export class GifWriter {
  bytes = 0;

  /** @type {any} gifenc, which has no types */
  #library;
  /** @type {any} */
  #gif;
  #canvas = new OffscreenCanvas(1, 1);
  #delays = new GifDelays();
  /** Pixels of the last picture, whose delay is not known yet. @type {Uint8ClampedArray | undefined} */
  #pending;

  /**
   * @param {ImageBitmap | OffscreenCanvas} image later ones are fitted into the size of the first
   * @param {number} start in milliseconds
   * @param {number} end
   */
  async add(image, start, end) {
    if (!this.#gif) await this.#open(image);
    this.#write(this.#delays.next(start, end));
    this.#pending = this.#pixels(image);
  }

  /** @returns {Promise<Blob>} */
  async finish() {
    this.#write(this.#delays.last());
    this.#gif.finish();
    return new Blob([this.#gif.bytes()], { type: "image/gif" });
  }

  /** @param {number[]} delays of the pending picture in milliseconds; none if it is left out */
  #write(delays) {
    if (!this.#pending || delays.length === 0) return;
    const { quantize, applyPalette } = this.#library;
    const palette = quantize(this.#pending, COLOURS);
    const indexed = applyPalette(this.#pending, palette);
    const { width, height } = this.#canvas;
    for (const delay of delays) this.#gif.writeFrame(indexed, width, height, { palette, delay });
    this.bytes = this.#gif.bytesView().length;
  }

  /** @param {{ width: number, height: number }} image */
  async #open({ width, height }) {
    this.#library = await import(LIBRARY);
    this.#gif = this.#library.GIFEncoder();
    const scale = Math.min(1, MAX_WIDTH / width);
    this.#canvas.width = Math.max(1, Math.round(width * scale));
    this.#canvas.height = Math.max(1, Math.round(height * scale));
  }

  /** @param {ImageBitmap | OffscreenCanvas} image */
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
