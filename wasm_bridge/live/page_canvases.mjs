/**
 * The page's side of the canvases that a worker draws: it gets others when it asks for them, and a check whether the
 * page shows what WebGPU draws there.
 * @module
 */

/** @import { OffscreenPanels } from "./protocol.mjs" */

/** @typedef {{ input: HTMLCanvasElement, mask: HTMLCanvasElement, output: HTMLCanvasElement }} PanelElements */

const SAMPLE_SIDE = 8;

/**
 * What a worker draws on from now on.
 * @param {PanelElements} elements that were not transferred yet
 * @returns {OffscreenPanels}
 */
export function transferred({ input, mask, output }) {
  return {
    input: input.transferControlToOffscreen(),
    mask: mask.transferControlToOffscreen(),
    output: output.transferControlToOffscreen(),
  };
}

export class PageCanvases {
  #fresh;
  /** Canvases on which WebGPU draws, until they were looked at. @type {PanelElements | undefined} */
  #unchecked;
  /** Those that were given last. @type {PanelElements | undefined} */
  #newest;

  /** @param {(() => PanelElements) | undefined} fresh replaces the canvases of the page by new ones */
  constructor(fresh) {
    this.#fresh = fresh;
  }

  /**
   * New canvases for the worker.
   * @param {"2d" | "webgpu"} drawn by what they will be drawn
   * @returns {OffscreenPanels | null} null if the page keeps those that it has
   */
  renew(drawn) {
    const elements = this.#fresh?.();
    this.#newest = elements;
    this.#unchecked = drawn === "webgpu" ? elements : undefined;
    return elements ? transferred(elements) : null;
  }

  /** Others take their place. */
  forget() {
    this.#newest = this.#unchecked = undefined;
  }

  /**
   * Looks at the canvases once, after the first frame on them.
   * @returns {Promise<boolean>} false if they show nothing; true if others have taken their place
   */
  async show() {
    const elements = this.#unchecked;
    if (!elements) return true;
    this.#unchecked = undefined;
    // A frame is shown with the next picture of the page, and with the one after that at the latest.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    return elements !== this.#newest || isOpaque(elements.input);
  }
}

/**
 * Whether a canvas shows a frame, which has no transparent pixels.
 * @param {HTMLCanvasElement} canvas
 */
function isOpaque(canvas) {
  const context = new OffscreenCanvas(SAMPLE_SIDE, SAMPLE_SIDE).getContext("2d");
  if (!context) return false;
  context.drawImage(canvas, 0, 0, SAMPLE_SIDE, SAMPLE_SIDE);
  const { data } = context.getImageData(0, 0, SAMPLE_SIDE, SAMPLE_SIDE);
  return data.every((value, i) => i % 4 !== 3 || value === 255);
}
