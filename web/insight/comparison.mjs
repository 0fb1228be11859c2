/**
 * AutoGaze and patch-diff side by side on the same frames: the panels above, and two more with the numbers.
 * @module
 */

import { element, freshCanvas, showText } from "../page/element.mjs";
import { fiveWide, percent } from "../panels/measurements.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

/** @type {{ name: string, of: (report: FrameReport) => string }[]} */
const ROWS = [
  { name: "Cells", of: ({ cells }) => String(cells).padStart(5) },
  { name: "Masked", of: ({ maskRatio }) => percent(maskRatio) },
  { name: "Updated, average", of: ({ updateRatioEma }) => percent(updateRatioEma) },
  { name: "PSNR, average", of: ({ psnrEma }) => `${fiveWide(psnrEma)} dB` },
];

export class Comparison {
  /** Called when the model is needed. @type {() => void} */
  onModelWanted = () => {};

  #view;
  #toggle = element("compare", HTMLButtonElement);
  #hint = element("compare-hint", HTMLElement);
  #shown = element("compared", HTMLElement);
  /** @type {HTMLElement[][]} */
  #cells = [];
  #wanted = false;
  #transferred = false;

  /** @param {LiveView} view */
  constructor(view) {
    this.#view = view;
    const body = element("compare-numbers", HTMLTableSectionElement);
    this.#cells = ROWS.map(({ name }) => {
      const row = body.insertRow();
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = name;
      row.append(head);
      return [row.insertCell(), row.insertCell()];
    });
    for (const cell of this.#cells.flat()) cell.className = "numbers";
    this.#toggle.addEventListener("click", () => this.#set(!this.#wanted));
  }

  /**
   * A frame was processed.
   * @param {FrameReport} report
   */
  frame(report) {
    if (!this.#wanted) return;
    const { compared } = report;
    const hint = compared
      ? "AutoGaze chooses the cells above, patch-diff those below."
      : "Until AutoGaze is at work patch-diff chooses the cells above.";
    showText(this.#hint, hint);
    if (!compared) return;
    this.#shown.style.setProperty("--shape", `${compared.width} / ${compared.height}`);
    this.#shown.classList.add("live");
    ROWS.forEach(({ of }, row) => {
      [report, compared].forEach((each, column) => {
        const cell = this.#cells[row]?.[column];
        if (cell) showText(cell, of(each));
      });
    });
  }

  /** Another source was chosen. */
  reset() {
    this.#shown.classList.remove("live");
    for (const cell of this.#cells.flat()) cell.textContent = "";
  }

  /** Another worker was started: it draws on fresh panels. */
  restart() {
    this.reset();
    this.#transferred = false;
    for (const id of ["compared-mask", "compared-output"]) freshCanvas(id);
    if (this.#wanted) this.#compare();
  }

  /** @param {boolean} wanted */
  #set(wanted) {
    this.#wanted = wanted;
    this.#toggle.setAttribute("aria-pressed", String(wanted));
    this.#toggle.textContent = wanted ? "Stop comparing" : "Compare with patch-diff";
    this.#hint.textContent = "";
    this.#shown.hidden = !wanted;
    this.reset();
    this.#compare();
    if (wanted) this.onModelWanted();
  }

  #compare() {
    const canvases = {
      mask: element("compared-mask", HTMLCanvasElement),
      output: element("compared-output", HTMLCanvasElement),
    };
    this.#view.compare(this.#wanted, this.#transferred ? undefined : canvases);
    this.#transferred = true;
  }
}
