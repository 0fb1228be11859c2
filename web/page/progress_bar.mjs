/**
 * A bar that shows how far a load is.
 * @module
 */

import { element } from "./element.mjs";

export class ProgressBar {
  #box;
  #step;
  #bar;
  #bytes;

  /**
   * @param {string} box id of the element around it all
   * @param {string} name prefix of the ids of its parts: `name-step`, `name-bar` and `name-bytes`
   */
  constructor(box, name) {
    this.#box = element(box, HTMLElement);
    this.#step = element(`${name}-step`, HTMLElement);
    this.#bar = element(`${name}-bar`, HTMLProgressElement);
    this.#bytes = element(`${name}-bytes`, HTMLElement);
  }

  /**
   * @param {string} step what is going on
   * @param {number} loaded bytes
   * @param {number} total bytes, 0 if unknown
   */
  show(step, loaded, total) {
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
  if (total > 0) return `${megabytes(loaded)} of ${megabytes(total)} MB`;
  return loaded > 0 ? `${megabytes(loaded)} MB` : "";
}

/** @param {number} count */
function megabytes(count) {
  return (count / 1e6).toFixed(1);
}
