/**
 * The legend of the mask: for each grid its colour, its number of cells, and a checkbox that hides it; and a key to the
 * boxes below the pictures.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { PaletteTable, Shade } from "../page/palettes.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */

import { element, showText } from "../page/element.mjs";
import { padded } from "../page/number_text.mjs";
import { outlineLines, shadeOf } from "../page/palettes.mjs";
import { bindSelect, follow } from "../settings/bound_controls.mjs";
import { gridsOf, gridsText } from "../settings/options.mjs";

export class Legend {
  #settings;
  #table;
  #scales = element("legend-scales", HTMLElement);
  #hint = element("legend-hint", HTMLElement);
  #key = element("mask-key", HTMLElement);
  /** @type {Map<number, LegendEntry>} */
  #entries = new Map();

  /**
   * @param {{ view: LiveView, settings: Settings }} page
   * @param {PaletteTable} table
   */
  constructor({ view, settings }, table) {
    this.#settings = settings;
    this.#table = table;
    bindSelect("legend-palette", settings, "palette");
    follow(settings, () => this.#showSettings());
    view.on("frame", (report) => this.#showReport(report));
    view.on("redraw", (report) => this.#showReport(report));
  }

  /** @param {FrameReport} report */
  #showReport({ grids, cellsByScale }) {
    if (grids.length !== this.#entries.size || grids.some((grid) => !this.#entries.has(grid))) {
      this.#entries = new Map(grids.map((grid) => [grid, new LegendEntry(grid, () => this.#setHidden())]));
      const entries = [...this.#entries.values()];
      this.#scales.replaceChildren(...entries.map((entry) => entry.element));
      this.#key.replaceChildren(...entries.map((entry) => entry.inKey));
      this.#key.classList.toggle("several", entries.length > 1);
      this.#showSettings();
    }
    for (const [grid, entry] of this.#entries) entry.showCount(cellsByScale[grid] ?? 0);
  }

  #setHidden() {
    // Grids that this mask source does not have keep their setting.
    const others = this.#hidden.filter((grid) => !this.#entries.has(grid));
    const hidden = [...this.#entries.values()].filter((entry) => !entry.shown).map(({ grid }) => grid);
    this.#settings.set({ "hidden-scales": gridsText([...others, ...hidden]) });
  }

  get #hidden() {
    return gridsOf(String(this.#settings.values["hidden-scales"]));
  }

  #showSettings() {
    const hidden = this.#hidden;
    const palette = String(this.#settings.values.palette);
    const outlines = this.#settings.values["mask-visualization"] === "outlines";
    for (const [grid, entry] of this.#entries) {
      entry.shown = !hidden.includes(grid);
      const shade = shadeOf(this.#table, palette, grid);
      if (shade) entry.setColour(shade, this.#table.fill_shade);
      entry.setLines(outlines ? outlineLines(this.#table, grid) : 1);
    }
    const count = [...this.#entries.keys()].filter((grid) => hidden.includes(grid)).length;
    this.#hint.textContent = count > 0 ? `${count} hidden from the mask` : "the colours of the mask";
  }
}

/** One grid of the legend. */
class LegendEntry {
  element = document.createElement("label");
  /** In the key below the pictures. */
  inKey = document.createElement("li");
  grid;

  #box = document.createElement("input");
  #swatch = document.createElement("span");
  #keyBox = document.createElement("span");
  #name = document.createElement("span");
  #count = document.createElement("span");

  /**
   * @param {number} grid cells per side
   * @param {() => void} onChange
   */
  constructor(grid, onChange) {
    this.grid = grid;
    this.#box.type = "checkbox";
    this.#box.value = String(grid);
    this.#box.addEventListener("change", onChange);
    this.#swatch.className = "swatch";
    this.#keyBox.className = "key-box";
    // As a cell of a coarse grid is larger than one of a fine grid.
    this.#keyBox.style.setProperty("--side", `${(1.1 - Math.min(grid, 14) * 0.04).toFixed(2)}rem`);
    this.inKey.append(this.#keyBox, `${grid}×${grid}`);
    this.#name.className = "colour-name";
    this.#count.className = "numbers";
    this.element.append(this.#box, this.#swatch, `${grid}×${grid} `, this.#name, this.#count);
  }

  get shown() {
    return this.#box.checked;
  }

  set shown(shown) {
    this.#box.checked = shown;
    this.inKey.hidden = !shown;
  }

  /** @param {number} cells */
  showCount(cells) {
    showText(this.#count, padded(String(cells), 5));
  }

  /**
   * @param {Shade} shade
   * @param {number} fillShade
   */
  setColour({ colour, name }, fillShade) {
    const fill = colour.map((channel) => Math.floor(channel * fillShade + 0.5));
    for (const { style } of [this.#swatch, this.#keyBox]) {
      style.borderColor = `rgb(${colour.join(" ")})`;
      style.backgroundColor = `rgb(${fill.join(" ")})`;
    }
    this.#name.textContent = name;
  }

  /** @param {number} lines how thick the mask's outlines of this grid are */
  setLines(lines) {
    this.#keyBox.style.borderWidth = `${lines}px`;
  }
}
