/**
 * One panel of the page: an OffscreenCanvas of the frames' size.
 * @module
 */

/** @typedef {[y0: number, x0: number, y1: number, x1: number]} Box part of a frame in pixels, without y1 and x1 */

export class PanelCanvas {
  #canvas;
  #context;
  #ground;

  /**
   * @param {OffscreenCanvas} canvas
   * @param {{ readable?: boolean, ground?: string }} [how] `readable`: its pixels are read back often; `ground`: the colour
   *   on which transparent images are drawn, else they are drawn on what was there
   */
  constructor(canvas, { readable = false, ground = "" } = {}) {
    const context = canvas.getContext("2d", { willReadFrequently: readable });
    if (!context) throw new Error("This browser cannot draw on a canvas in a worker: use a newer one.");
    this.#canvas = canvas;
    this.#context = context;
    this.#ground = ground;
  }

  /** What it shows. */
  get canvas() {
    return this.#canvas;
  }

  /**
   * Where to draw a panel of a size.
   * @param {number} width
   * @param {number} height
   */
  contextFor(width, height) {
    this.#resize(width, height);
    return this.#context;
  }

  /**
   * Draws an image, scaled to the panel.
   * @param {CanvasImageSource} image
   * @param {number} width
   * @param {number} height
   * @param {boolean} [mirror] whether left and right change places
   */
  draw(image, width, height, mirror = false) {
    this.#resize(width, height);
    this.#context.imageSmoothingQuality = "medium";
    if (this.#ground) {
      this.#context.fillStyle = this.#ground;
      this.#context.fillRect(0, 0, width, height);
    }
    if (mirror) this.#context.setTransform(-1, 0, 0, 1, width, 0);
    this.#context.drawImage(image, 0, 0, width, height);
    this.#context.resetTransform();
  }

  /**
   * `draw`; returns the RGBA rows with an even number of pixels each.
   * @param {CanvasImageSource} image
   * @param {number} width
   * @param {number} height
   * @param {boolean} [mirror]
   */
  drawImage(image, width, height, mirror) {
    this.draw(image, width, height, mirror);
    // Pixels to the right of the canvas read as zeros, which is what Python wants as padding.
    return this.#context.getImageData(0, 0, width + (width % 2), height).data;
  }

  /**
   * Shows pixels that Python made.
   * @param {Uint8ClampedArray<ArrayBuffer>} memory RGBA rows of an even number of pixels
   * @param {number} width
   * @param {number} height
   * @param {Box} [box] the part that changed
   */
  putPixels(memory, width, height, [y0, x0, y1, x1] = [0, 0, height, width]) {
    const resized = this.#resize(width, height);
    if (resized) [y0, x0, y1, x1] = [0, 0, height, width];
    if (x1 <= x0 || y1 <= y0) return;
    const pixels = new ImageData(memory, width + (width % 2), height);
    this.#context.putImageData(pixels, 0, 0, x0, y0, x1 - x0, y1 - y0);
  }

  /**
   * @param {number} width
   * @param {number} height
   * @returns {boolean} whether the panel had another size, and is blank now
   */
  #resize(width, height) {
    if (this.#canvas.width === width && this.#canvas.height === height) return false;
    this.#canvas.width = width;
    this.#canvas.height = height;
    return true;
  }
}
