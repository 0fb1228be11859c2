/**
 * One panel of the page: an OffscreenCanvas of the frames' size.
 * @module
 */

/** @typedef {[y0: number, x0: number, y1: number, x1: number]} Box part of a frame in pixels, without y1 and x1 */

export class PanelCanvas {
  #canvas;
  /** @type {OffscreenCanvasRenderingContext2D | undefined} */
  #context;
  #ground;
  /** Whether pixels were put on all of it. */
  #isWhole = false;

  /**
   * @param {OffscreenCanvas} canvas
   * @param {{ ground?: string }} [how] `ground`: the colour on which transparent images are drawn, else they are drawn
   *   on what was there
   */
  constructor(canvas, { ground = "" } = {}) {
    this.#canvas = canvas;
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
    return this.#drawing(false);
  }

  /**
   * Draws an image, scaled to the panel.
   * @param {CanvasImageSource} image
   * @param {number} width
   * @param {number} height
   * @param {boolean} [mirror] whether left and right change places
   */
  draw(image, width, height, mirror = false) {
    this.#draw(this.#drawing(false), image, width, height, mirror);
  }

  /**
   * `draw`; returns the RGBA rows with an even number of pixels each.
   * @param {CanvasImageSource} image
   * @param {number} width
   * @param {number} height
   * @param {boolean} [mirror]
   */
  drawImage(image, width, height, mirror = false) {
    const context = this.#drawing(true);
    this.#draw(context, image, width, height, mirror);
    // Pixels to the right of the canvas read as zeros, which is what Python wants as padding.
    return context.getImageData(0, 0, width + (width % 2), height).data;
  }

  /** The next pixels are put on all of it. */
  forget() {
    this.#isWhole = false;
  }

  /**
   * Shows pixels that Python made.
   * @param {Uint8ClampedArray<ArrayBuffer>} memory RGBA rows of an even number of pixels
   * @param {number} width
   * @param {number} height
   * @param {Box[]} [parts] those that changed
   */
  putPixels(memory, width, height, parts = [[0, 0, height, width]]) {
    const resized = this.#resize(width, height);
    const whole = resized || !this.#isWhole;
    this.#isWhole = true;
    const context = this.#drawing(true);
    const pixels = new ImageData(memory, width + (width % 2), height);
    /** @type {Box[]} */
    const shown = whole ? [[0, 0, height, width]] : parts;
    for (const [y0, x0, y1, x1] of shown) {
      if (x0 < x1 && y0 < y1) context.putImageData(pixels, 0, 0, x0, y0, x1 - x0, y1 - y0);
    }
  }

  /**
   * Its context. The first use decides where the canvas keeps its pixels for good: in memory, where they come from and
   * go to memory, else on the graphics card, which would take each frame's through the GPU process (docs/speed.md).
   * @param {boolean} inMemory
   */
  #drawing(inMemory) {
    this.#context ??= this.#canvas.getContext("2d", { willReadFrequently: inMemory }) ?? undefined;
    if (!this.#context) throw new Error("This browser cannot draw on a canvas in a worker: use a newer one.");
    return this.#context;
  }

  /**
   * @param {OffscreenCanvasRenderingContext2D} context
   * @param {CanvasImageSource} image
   * @param {number} width
   * @param {number} height
   * @param {boolean} mirror
   */
  #draw(context, image, width, height, mirror) {
    this.#resize(width, height);
    context.imageSmoothingQuality = "medium";
    if (this.#ground) {
      context.fillStyle = this.#ground;
      context.fillRect(0, 0, width, height);
    }
    if (mirror) context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(image, 0, 0, width, height);
    context.resetTransform();
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
