/**
 * Which model AutoGaze runs: the site's own small one, or NVIDIA's with one click.
 * @module
 */

import { element } from "../page/element.mjs";

/** @typedef {import("../settings/settings.mjs").Settings} Settings */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").OptionValues} OptionValues */

const BUILT_IN = { "config-url": "./built-in/config.json", "weights-url": "./built-in/model.safetensors" };
const RELEASE = "https://huggingface.co/nvidia/AutoGaze/resolve/main/";
const NVIDIAS = { "config-url": `${RELEASE}config.json`, "weights-url": `${RELEASE}model.safetensors` };

/**
 * The folder of the built-in model's graphs if that is what the options name, and no other graphs with it.
 * @param {OptionValues} values
 * @param {File[]} files given instead of the options' addresses
 */
export function builtInGraphs(values, files) {
  const wanted = files.length === 0 && names(values, BUILT_IN) && values["graphs-url"] === "./graphs/";
  return wanted ? "./built-in/" : undefined;
}

/** The line that says whose model it is and offers the other one. */
export class ModelChoice {
  #settings;
  #line = element("model-choice", HTMLElement);
  #text = element("model-choice-text", HTMLElement);
  #button = element("model-choice-other", HTMLButtonElement);

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.show());
    this.#button.addEventListener("click", () => settings.give(this.#builtIn ? NVIDIAS : BUILT_IN));
    this.show();
  }

  get #builtIn() {
    return names(this.#settings.values, BUILT_IN);
  }

  /** NVIDIA's model cannot be had; the one before it, if there was one, goes on. */
  failed() {
    if (!this.#builtIn)
      this.#text.textContent = "NVIDIA’s model could not be had: the one before it goes on.";
  }

  /** @param {boolean} fromFiles whether the model comes from files that the user opened */
  show(fromFiles = false) {
    const { values } = this.#settings;
    const known = this.#builtIn || names(values, NVIDIAS);
    this.#line.hidden = values["mask-source"] !== "autogaze" || !known || fromFiles;
    this.#text.textContent = this.#builtIn
      ? "The built-in model: small, trained by this project, not NVIDIA’s."
      : "NVIDIA’s model, from Hugging Face.";
    this.#button.textContent = this.#builtIn ? "Fetch NVIDIA’s (13 MB)" : "Use the built-in one";
  }
}

/**
 * @param {OptionValues} values
 * @param {Record<string, string>} addresses
 */
function names(values, addresses) {
  return Object.entries(addresses).every(([name, address]) => values[name] === address);
}
