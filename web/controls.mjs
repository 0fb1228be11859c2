/**
 * The controls below the panels.
 * @module
 */

import { element } from "./element.mjs";

/** @typedef {import("./options.mjs").Option} Option */
/** @typedef {import("../wasm_bridge/protocol.mjs").OptionValues} OptionValues */

export class Controls {
  /** @type {(values: OptionValues) => void} */
  onOptions = () => {};
  /** Start or pause was pressed. @type {() => void} */
  onRun = () => {};
  /** @type {(source: string) => void} */
  onSource = () => {};
  /** A video, or a model's files. @type {(files: File[]) => void} */
  onFiles = () => {};

  #values;
  #source = element("source", HTMLSelectElement);
  #run = element("run", HTMLButtonElement);
  #file = element("file", HTMLInputElement);
  #quality = element("quality", HTMLInputElement);
  #qualityValue = element("quality-value", HTMLElement);
  #qualityOption = "patch-diff-threshold";
  #outputMode = element("output-mode", HTMLSelectElement);

  /**
   * @param {Option[]} options
   * @param {OptionValues} values of all options
   */
  constructor(options, values) {
    this.#values = { ...values };
    fill(this.#source, options, "source", values);
    fill(this.#outputMode, options, "visualization-mode", values);
    fill(element("mask-source", HTMLSelectElement), options, "mask-source", { "mask-source": "patch-diff" });
    this.showMaskSource("patch-diff");

    element("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    this.#run.addEventListener("click", () => this.onRun());
    this.#source.addEventListener("change", () => this.onSource(this.#source.value));
    this.#outputMode.addEventListener("change", () =>
      this.#set("visualization-mode", this.#outputMode.value),
    );
    this.#quality.addEventListener("input", () => {
      const threshold = (100 - Number(this.#quality.value)) / 100;
      this.#showQuality(threshold);
      this.#set(this.#qualityOption, threshold);
    });
    element("open-file", HTMLButtonElement).addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => this.#take(this.#file.files));
    acceptDrops((files) => this.#take(files));
  }

  /** @param {import("./source_player.mjs").PlayerState} state */
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
    const value = this.#values[this.#qualityOption];
    const threshold = value === "off" ? 0 : Number(value);
    this.#quality.value = String(Math.round((1 - threshold) * 100));
    this.#showQuality(threshold);
  }

  /** @param {string} source */
  showSource(source) {
    this.#source.value = source;
  }

  /** @param {FileList | null | undefined} files */
  #take(files) {
    if (!files || files.length === 0) return;
    this.onFiles([...files]);
    this.#file.value = "";
  }

  /**
   * @param {string} name
   * @param {string | number} value
   */
  #set(name, value) {
    this.#values[name] = value;
    this.onOptions(this.#values);
  }

  /** @param {number} threshold */
  #showQuality(threshold) {
    const text = `${this.#quality.value} % (threshold ${threshold.toFixed(2)})`;
    this.#qualityValue.textContent = text;
    this.#quality.setAttribute("aria-valuetext", text);
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {Option[]} options
 * @param {string} name
 * @param {OptionValues} values
 */
function fill(select, options, name, values) {
  const option = options.find((each) => each.name === name);
  select.title = option?.help ?? "";
  select.append(...(option?.choices ?? []).map(({ value, label }) => new Option(label, value)));
  select.value = String(values[name]);
}

/** @param {(files: FileList | undefined) => void} onFiles */
function acceptDrops(onFiles) {
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    onFiles(event.dataTransfer?.files);
  });
}
