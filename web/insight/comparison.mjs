/**
 * AutoGaze and patch-diff on the same frames: two more panels for patch-diff, and a table of numbers.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element, freshCanvas, showText } from "../page/element.mjs";
import { decibels, padded, percent } from "../page/number_text.mjs";

/** @type {{ name: string, of: (report: FrameReport) => string }[]} */
const ROWS = [
  { name: "Cells", of: ({ cells }) => padded(String(cells), 5) },
  { name: "Masked", of: ({ maskRatio }) => percent(maskRatio) },
  { name: "Updated, average", of: ({ updateRatioEma }) => percent(updateRatioEma) },
  { name: "PSNR, average", of: ({ psnrEma }) => decibels(psnrEma) },
];

export class Comparison {
  #view;
  #settings;
  #toggle = element("compare", HTMLButtonElement);
  #hint = element("compare-hint", HTMLElement);
  #panels = element("compared", HTMLElement);
  /** @type {HTMLElement[][]} */
  #cells = [];
  #wanted = false;
  #transferred = false;

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer }} page */
  constructor({ view, settings, player }) {
    this.#view = view;
    this.#settings = settings;
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
    this.#toggle.addEventListener("click", () => this.#setWanted(!this.#wanted));
    view.on("frame", (report) => this.#show(report));
    view.on("restart", () => this.#restart());
    player.on("opening", () => this.#reset());
  }

  /** @param {FrameReport} report */
  #show(report) {
    if (!this.#wanted) return;
    const { compared } = report;
    const hint = compared
      ? "Above: the cells of AutoGaze. Below: those of patch-diff."
      : "Patch-diff chooses the cells above until AutoGaze is ready.";
    showText(this.#hint, hint);
    if (!compared) return;
    this.#panels.style.setProperty("--shape", `${compared.width} / ${compared.height}`);
    this.#panels.classList.add("live");
    ROWS.forEach(({ of }, row) => {
      [report, compared].forEach((each, column) => {
        const cell = this.#cells[row]?.[column];
        if (cell) showText(cell, of(each));
      });
    });
  }

  #reset() {
    this.#panels.classList.remove("live");
    for (const cell of this.#cells.flat()) cell.textContent = "";
  }

  /** Another worker needs fresh canvases. */
  #restart() {
    this.#reset();
    this.#transferred = false;
    for (const id of ["compared-mask", "compared-output"]) freshCanvas(id);
    if (this.#wanted) this.#compare();
  }

  /** @param {boolean} wanted */
  #setWanted(wanted) {
    this.#wanted = wanted;
    this.#toggle.setAttribute("aria-pressed", String(wanted));
    this.#toggle.textContent = wanted ? "Stop comparing" : "Compare with patch-diff";
    this.#hint.textContent = "";
    this.#panels.hidden = !wanted;
    this.#reset();
    this.#compare();
    if (wanted) this.#settings.set({ "mask-source": "autogaze" });
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
