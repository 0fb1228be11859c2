/**
 * Named numbers as bars, one row each. A row is never removed, so that nothing moves while numbers change.
 * @module
 */

import { showText } from "../page/element.mjs";

/** @typedef {{ name: string, value: number, text: string }} Bar */

export class BarList {
  #list;
  /** @type {Map<string, { bar: HTMLMeterElement, text: HTMLElement }>} */
  #rows = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {Bar[]} bars
   * @param {number} [most] value of a full bar; by default the largest
   */
  show(bars, most = Math.max(...bars.map(({ value }) => value))) {
    for (const { name, value, text } of bars) {
      const row = this.#rows.get(name) ?? this.#add(name);
      row.bar.value = most > 0 ? value / most : 0;
      showText(row.text, text);
    }
    const shown = new Set(bars.map(({ name }) => name));
    for (const [name, row] of this.#rows) {
      if (shown.has(name)) continue;
      row.bar.value = 0;
      showText(row.text, "–");
    }
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
  }

  /** @param {string} name */
  #add(name) {
    const label = document.createElement("dt");
    label.textContent = name;
    const value = document.createElement("dd");
    const bar = document.createElement("meter");
    // The number beside it says the same thing.
    bar.setAttribute("aria-hidden", "true");
    const text = document.createElement("span");
    text.className = "numbers";
    value.append(bar, text);
    this.#list.append(label, value);
    const row = { bar, text };
    this.#rows.set(name, row);
    return row;
  }
}
