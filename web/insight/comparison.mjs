/**
 * AutoGaze and another way to choose cells, on the same frames: two more panels, and a table of numbers.
 * @module
 */

/** @import { ComparisonChoice, FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element, freshCanvas, showText } from "../page/element.mjs";
import { decibels, padded, percent } from "../page/number_text.mjs";

/** @type {{ name: string, of: (report: FrameReport) => string }[]} */
const ROWS = [
  { name: "Cells chosen", of: ({ cells }) => padded(String(cells), 5) },
  { name: "Pixels covered", of: ({ maskRatio }) => percent(maskRatio) },
  { name: "Pixels covered, average", of: ({ updateRatioEma }) => percent(updateRatioEma) },
  { name: "PSNR of the output, average", of: ({ psnrEma }) => decibels(psnrEma) },
];

/** @type {Record<ComparisonChoice["rival"], { name: string, aim: string }>} */
const RIVALS = {
  "patch-diff": {
    name: "Changed pixels",
    aim: "Changed pixels takes the cells that differ most from the frame before",
  },
  random: {
    name: "Random cells",
    aim: "Random cells ignore the picture: any useful choice must beat them",
  },
  "block-motion": {
    name: "Block motion",
    aim: "Block motion first moves the blocks of its last output, as a video codec does and at no cost in pixels, then takes the cells with the largest remaining error",
  },
};

export class Comparison {
  #view;
  #settings;
  #toggle = element("compare", HTMLButtonElement);
  #hint = element("compare-hint", HTMLElement);
  #panels = element("compared", HTMLElement);
  #rival = element("compare-rival", HTMLSelectElement);
  #budget = element("compare-budget", HTMLSelectElement);
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
    for (const select of [this.#rival, this.#budget]) select.addEventListener("change", () => this.#choose());
    this.#choose();
    view.on("frame", (report) => this.#show(report));
    view.on("restart", () => this.#restart());
    player.on("opening", () => this.#reset());
  }

  /** @param {FrameReport} report */
  #show(report) {
    if (!this.#wanted) return;
    const { compared } = report;
    showText(this.#hint, compared ? "" : "Changed pixels choose the cells until AutoGaze is ready.");
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
    this.#toggle.textContent = wanted ? "Stop comparing" : "Compare";
    this.#hint.textContent = "";
    this.#panels.hidden = !wanted;
    this.#reset();
    this.#compare();
    if (wanted) this.#settings.set({ "mask-source": "autogaze" });
  }

  /** What was chosen in the lists. */
  get #how() {
    return /** @type {ComparisonChoice} */ ({ rival: this.#rival.value, budget: this.#budget.value });
  }

  #choose() {
    const { name, aim } = RIVALS[this.#how.rival];
    // Random cells have no threshold of their own.
    const own = /** @type {HTMLOptionElement} */ (this.#budget.querySelector("option[value=own]"));
    own.disabled = this.#how.rival === "random";
    if (own.disabled && own.selected) this.#budget.value = "pixels";
    for (const place of this.#panels.querySelectorAll(".compare-name")) place.textContent = name;
    showText(
      element("compare-aim", HTMLElement),
      `AutoGaze takes the cells from which the frame can be rebuilt best. ${aim}.`,
    );
    this.#reset();
    if (this.#wanted) this.#compare();
  }

  #compare() {
    const canvases = {
      mask: element("compared-mask", HTMLCanvasElement),
      output: element("compared-output", HTMLCanvasElement),
    };
    this.#view.compare(this.#wanted ? this.#how : null, this.#transferred ? undefined : canvases);
    this.#transferred = true;
  }
}
