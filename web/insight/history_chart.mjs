/**
 * A line chart of one number over the last frames.
 * @module
 */

import { showText } from "../page/element.mjs";
import { counted } from "../page/number_text.mjs";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 40;
// The line is not cut at the edges.
const MARGIN = 1;

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {[number, number]} range always shown; values outside extend it
 * @property {(value: number) => string} text of a value, of fixed width
 */

export class HistoryChart {
  element = document.createElement("div");

  #series;
  #svg = document.createElementNS(SVG, "svg");
  #line = document.createElementNS(SVG, "path");
  #now = document.createElement("span");
  #extent = document.createElement("span");

  /** @param {Series} series */
  constructor(series) {
    this.#series = series;
    this.element.className = "chart history";
    const name = document.createElement("span");
    name.textContent = series.name;
    this.#now.className = this.#extent.className = "numbers";
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("role", "img");
    this.#line.setAttribute("vector-effect", "non-scaling-stroke");
    this.#svg.append(this.#line);
    this.element.append(name, this.#now, this.#svg, this.#extent);
  }

  /**
   * @param {number[]} values oldest first; those that are not finite leave a gap
   * @param {number} capacity how many there will be at most
   */
  show(values, capacity) {
    const { name, range, text } = this.#series;
    const finite = values.filter(Number.isFinite);
    const low = Math.min(range[0], ...finite);
    const high = Math.max(range[1], ...finite);
    const newest = values.at(-1) ?? Number.NaN;
    this.#svg.setAttribute("viewBox", `0 ${-MARGIN} ${capacity - 1} ${HEIGHT + 2 * MARGIN}`);
    this.#line.setAttribute("d", path(values, capacity, low, high));
    showText(this.#now, text(newest));
    const unpadded = (/** @type {number} */ value) => text(value).trim();
    showText(this.#extent, `${unpadded(low)} to ${unpadded(high)}`);
    const extent =
      finite.length > 0 ? `${unpadded(Math.min(...finite))} to ${unpadded(Math.max(...finite))}` : "none";
    const label = `${name}, last ${counted(values.length, "frame")}: now ${unpadded(newest)}, ${extent}`;
    this.#svg.setAttribute("aria-label", label);
  }
}

/**
 * @param {number[]} values
 * @param {number} capacity the newest value is at the right edge
 * @param {number} low
 * @param {number} high
 */
function path(values, capacity, low, high) {
  const first = capacity - values.length;
  let drawn = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) {
      pen = "M";
      return;
    }
    const y = HEIGHT * (1 - (value - low) / (high - low || 1));
    drawn += `${pen}${first + index} ${y.toFixed(1)}`;
    pen = "L";
  });
  return drawn;
}
