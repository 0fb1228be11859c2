/**
 * The legend of the mask: a line for each grid, which says its colour and its cells, and hides it from the mask.
 * @module
 */

import { element, showText } from "../page/element.mjs";
import { gridsOf, gridsText } from "../settings/options.mjs";

/** @typedef {import("../settings/settings.mjs").Settings} Settings */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

/**
 * `palettes.json`: the colours of grids up to so many cells per side, null for all finer ones.
 * @typedef {{ up_to: number | null, colour: [number, number, number], name: string }} Shade
 * @typedef {{ fill_shade: number, palettes: Record<string, Shade[]> }} PaletteTable
 */

export class Legend {
  #settings;
  #table;
  #scales = element("legend-scales", HTMLElement);
  #palette = element("legend-palette", HTMLSelectElement);
  #hint = element("legend-hint", HTMLElement);
  /** @type {Map<number, Entry>} */
  #entries = new Map();

  /**
   * @param {Settings} settings
   * @param {PaletteTable} table
   */
  constructor(settings, table) {
    this.#settings = settings;
    this.#table = table;
    const { choices = [], help } = settings.option("palette");
    this.#palette.append(...choices.map(({ value, label }) => new Option(label, value)));
    this.#palette.title = help;
    this.#palette.addEventListener("change", () => settings.give({ palette: this.#palette.value }));
    settings.onChange(() => this.#follow());
    this.#follow();
  }

  /** @param {FrameReport} report */
  show({ grids, cellsByScale }) {
    if (grids.length !== this.#entries.size || grids.some((grid) => !this.#entries.has(grid))) {
      this.#entries = new Map(grids.map((grid) => [grid, new Entry(grid, () => this.#giveHidden())]));
      this.#scales.replaceChildren(...[...this.#entries.values()].map((entry) => entry.element));
      this.#follow();
    }
    for (const [grid, entry] of this.#entries) entry.count(cellsByScale[grid] ?? 0);
  }

  #giveHidden() {
    // Grids that this mask source does not have stay as they are.
    const others = this.#hidden.filter((grid) => !this.#entries.has(grid));
    const hidden = [...this.#entries.values()].filter((entry) => !entry.shown).map(({ grid }) => grid);
    this.#settings.give({ "hidden-scales": gridsText([...others, ...hidden]) });
  }

  get #hidden() {
    return gridsOf(String(this.#settings.values["hidden-scales"]));
  }

  /** Shows what the settings are now. */
  #follow() {
    const hidden = this.#hidden;
    const palette = String(this.#settings.values.palette);
    this.#palette.value = palette;
    const shades = this.#table.palettes[palette] ?? [];
    for (const [grid, entry] of this.#entries) {
      entry.shown = !hidden.includes(grid);
      const shade = shades.find(({ up_to }) => up_to === null || grid <= up_to);
      if (shade) entry.paint(shade, this.#table.fill_shade);
    }
    const count = [...this.#entries.keys()].filter((grid) => hidden.includes(grid)).length;
    this.#hint.textContent = count > 0 ? `${count} hidden from the mask` : "the colours of the mask";
  }
}

/** One grid's line. */
class Entry {
  element = document.createElement("label");
  grid;

  #box = document.createElement("input");
  #swatch = document.createElement("span");
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
    this.#name.className = "colour-name";
    this.#count.className = "numbers";
    this.element.append(this.#box, this.#swatch, `${grid}×${grid} `, this.#name, this.#count);
  }

  get shown() {
    return this.#box.checked;
  }

  set shown(shown) {
    this.#box.checked = shown;
  }

  /** @param {number} cells */
  count(cells) {
    showText(this.#count, `${cells}`.padStart(5, "\u2007"));
  }

  /**
   * @param {Shade} shade
   * @param {number} fillShade
   */
  paint({ colour, name }, fillShade) {
    const fill = colour.map((channel) => Math.floor(channel * fillShade + 0.5));
    this.#swatch.style.borderColor = `rgb(${colour.join(" ")})`;
    this.#swatch.style.backgroundColor = `rgb(${fill.join(" ")})`;
    this.#name.textContent = name;
  }
}

/** @returns {Promise<PaletteTable>} */
export async function loadPalettes() {
  const response = await fetch(new URL("../../palettes.json", import.meta.url));
  if (!response.ok)
    throw new Error(`palettes.json is missing (${response.status}): build the site with "make site".`);
  return response.json();
}
