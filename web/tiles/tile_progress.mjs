/**
 * How far the model is with a frame's tiles, and the way out.
 * @module
 */

import { element, showText } from "../page/element.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

export class TileProgress {
  /** Called when the rest is to be called off. */
  onCancel = () => {};

  #line = element("tiles", HTMLElement);
  #bar = element("tiles-bar", HTMLProgressElement);
  #count = element("tiles-count", HTMLElement);

  constructor() {
    element("tiles-cancel", HTMLButtonElement).addEventListener("click", () => this.onCancel());
  }

  /**
   * @param {FrameReport} report
   * @param {boolean} tiled whether the mode has tiles
   */
  show({ maskTiming, tiles = 0, gazeProgress = 0 }, tiled) {
    // The line stays between gazes, so that nothing moves.
    this.#line.hidden = !(tiled && maskTiming);
    if (this.#line.hidden) return;
    this.#bar.value = gazeProgress;
    const done = String(Math.round(gazeProgress * tiles));
    showText(this.#count, tiles ? `${done.padStart(String(tiles).length, "\u2007")} of ${tiles}` : "");
  }

  hide() {
    this.#line.hidden = true;
  }
}
