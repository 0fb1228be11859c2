/**
 * A progress bar for a download.
 * @module
 */

/** @import { LoadProgress } from "../../wasm_bridge/autogaze.mjs" */

import { element } from "./element.mjs";

export class ProgressBar {
  #box;
  #step;
  #bar;
  #bytes;

  /**
   * @param {string} box id of the element that contains the bar
   * @param {string} prefix of its parts' ids: `prefix-step`, `prefix-bar` and `prefix-bytes`
   */
  constructor(box, prefix) {
    this.#box = element(box, HTMLElement);
    this.#step = element(`${prefix}-step`, HTMLElement);
    this.#bar = element(`${prefix}-bar`, HTMLProgressElement);
    this.#bytes = element(`${prefix}-bytes`, HTMLElement);
  }

  /** @param {LoadProgress} progress */
  show({ step, loaded, total }) {
    this.#step.textContent = step;
    if (total > 0) {
      this.#bar.max = total;
      this.#bar.value = loaded;
    } else this.#bar.removeAttribute("value");
    this.#bytes.textContent = bytesText(loaded, total);
    this.#box.hidden = false;
  }

  hide() {
    this.#box.hidden = true;
  }
}

/**
 * @param {number} loaded
 * @param {number} total
 */
function bytesText(loaded, total) {
  const megabytes = (loaded / 1e6).toFixed(1);
  if (total > 0) return `${megabytes} of ${(total / 1e6).toFixed(1)} MB`;
  return loaded > 0 ? `${megabytes} MB` : "";
}
