/**
 * The controls below the panels.
 * @module
 */

import { element } from "../page/element.mjs";

/** @typedef {import("../settings/settings.mjs").Settings} Settings */

export class Controls {
  /** Start or pause was pressed. @type {() => void} */
  onRun = () => {};
  /** Files were chosen in the browser's dialog. @type {(files: File[]) => void} */
  onFiles = () => {};

  #settings;
  #run = element("run", HTMLButtonElement);
  #file = element("file", HTMLInputElement);
  #quality = element("quality", HTMLInputElement);
  #qualityValue = element("quality-value", HTMLElement);
  #qualityOption = "patch-diff-threshold";

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    const selects = [this.#select("source", "source"), this.#select("visualization-mode", "output-mode")];
    fill(element("mask-source", HTMLSelectElement), settings, "mask-source");
    element("mask-source", HTMLSelectElement).value = "patch-diff";
    this.showMaskSource("patch-diff");

    element("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    this.#run.addEventListener("click", () => this.onRun());
    this.#quality.addEventListener("input", () => {
      settings.give({ [this.#qualityOption]: (100 - Number(this.#quality.value)) / 100 });
    });
    element("open-file", HTMLButtonElement).addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => {
      const files = [...(this.#file.files ?? [])];
      this.#file.value = "";
      if (files.length > 0) this.onFiles(files);
    });
    settings.onChange(() => {
      for (const show of selects) show();
      this.#showQuality();
    });
  }

  /** @param {import("../sources/source_player.mjs").PlayerState} state */
  showState(state) {
    this.#run.textContent = state === "running" ? "Pause" : "Start";
    this.#run.disabled = state === "asking" || state === "opening";
  }

  /**
   * The quality slider sets the threshold of the mask source that is active.
   * @param {string} source
   */
  showMaskSource(source) {
    this.#qualityOption = source === "autogaze" ? "task-loss-requirement" : "patch-diff-threshold";
    this.#showQuality();
  }

  /**
   * @param {string} name of an option
   * @param {string} id of the <select> that sets it
   * @returns {() => void} shows the present value
   */
  #select(name, id) {
    const select = element(id, HTMLSelectElement);
    fill(select, this.#settings, name);
    select.addEventListener("change", () => this.#settings.give({ [name]: select.value }));
    const show = () => {
      select.value = String(this.#settings.values[name]);
    };
    show();
    return show;
  }

  #showQuality() {
    const value = this.#settings.values[this.#qualityOption];
    const threshold = value === "off" ? 0 : Number(value);
    this.#quality.value = String(Math.round((1 - threshold) * 100));
    const text = `${this.#quality.value} % (threshold ${value === "off" ? "off" : threshold.toFixed(2)})`;
    this.#qualityValue.textContent = text;
    this.#quality.setAttribute("aria-valuetext", text);
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {Settings} settings
 * @param {string} name
 */
function fill(select, settings, name) {
  const option = settings.option(name);
  select.title = option.help;
  select.append(...(option.choices ?? []).map(({ value, label }) => new Option(label, value)));
}
