/**
 * The worker's requests for other canvases. A canvas is drawn either by 2D commands or by WebGPU, for good, so a view
 * whose pixels move to the graphics card or back needs others from the page.
 * @module
 */

/** @import { OffscreenPanels } from "./protocol.mjs" */

export class CanvasRequests {
  #ask;
  /** @type {((canvases: OffscreenPanels | null) => void) | undefined} */
  #answer;
  /** Whether the page has canvases to give, and shows what WebGPU draws on them. */
  possible = true;

  /** @param {(drawn: "2d" | "webgpu") => void} ask asks the page, which answers by `receive` */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * @param {"2d" | "webgpu"} drawn by what they are drawn
   * @returns {Promise<OffscreenPanels | null>} canvases that replace those until now; null if the page keeps those
   */
  async request(drawn) {
    /** @type {Promise<OffscreenPanels | null>} */
    const answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
    this.#ask(drawn);
    const canvases = await answered;
    if (!canvases) this.possible = false;
    return canvases;
  }

  /**
   * The page's answer.
   * @param {OffscreenPanels | null} canvases
   */
  receive(canvases) {
    this.#answer?.(canvases);
  }
}
