/**
 * Which mask source chooses the cells: patch-diff at once, or AutoGaze as soon as its model is there.
 * @module
 */

import { element } from "../page/element.mjs";
import { ProgressBar } from "../page/progress_bar.mjs";
import { builtInGraphs } from "./model_choice.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").OptionValues} OptionValues */

export class MaskSource {
  /** Called with the source that chooses the cells now. @type {(source: string) => void} */
  onActive = () => {};
  /** Called with the source that was chosen, whether or not it is there yet. @type {(source: string) => void} */
  onChosen = () => {};
  /** Called when a model cannot be had, and whether another one goes on. @type {(goesOn: boolean) => void} */
  onFailed = () => {};
  /** Called with a sentence for the user. @type {(sentence: string) => void} */
  onProblem = () => {};

  /** What runs the model, for people; empty while there is none. */
  backend = "";
  /** The source that was chosen last. */
  chosen = "patch-diff";

  #view;
  #values;
  #select = element("mask-source", HTMLSelectElement);
  #progress = new ProgressBar("model-loading", "model");
  #loading = false;
  /** @type {File[]} */
  #files = [];

  /**
   * @param {LiveView} view
   * @param {OptionValues} values
   */
  constructor(view, values) {
    this.#view = view;
    this.#values = values;
    view.on("model-progress", ({ step, loaded, total }) => {
      if (this.#loading) this.#progress.show(step, loaded, total);
    });
    view.on("model-ready", ({ backend, superseded }) => this.#ready(backend, superseded));
    view.on("model-error", ({ message }) => this.#failed(message));
    view.on("model-note", ({ message }) => this.onProblem(message));
    view.on("model-lost", ({ message }) => this.#lost(message));
    view.on("model-stopped", ({ message }) => this.#stopped(message));
    this.#select.addEventListener("change", () => this.choose(this.#select.value));
    element("model-cancel", HTMLButtonElement).addEventListener("click", () => this.choose("patch-diff"));
  }

  /**
   * @param {string} source one of the option `mask-source`'s values
   * @param {File[]} [files] a model's files, instead of the addresses in the options
   */
  choose(source, files = []) {
    this.#select.value = source;
    this.#files = files;
    this.#setChosen(source);
    this.#stopLoading();
    if (source === "patch-diff") {
      this.#view.unloadModel();
      this.backend = "";
      this.onActive(source);
      return;
    }
    this.#loading = true;
    this.#progress.show("Loading the model", 0, 0);
    this.#view.loadModel({
      configUrl: this.#text("config-url"),
      weightsUrl: this.#text("weights-url"),
      graphsUrl: builtInGraphs(this.#values, files) ?? this.#text("graphs-url"),
      files,
      backend: /** @type {"auto" | "webgpu" | "wasm"} */ (this.#values.backend),
      maxTokens: this.#tokenLimit(),
    });
  }

  /** Loads the chosen model again, with the present options. */
  reload() {
    this.choose(this.chosen, this.#files);
  }

  /** Another worker was started: the model, if one was wanted, is loaded again. */
  restart() {
    this.backend = "";
    this.onActive("patch-diff");
    if (this.chosen === "autogaze") this.reload();
  }

  /** @param {string} source */
  #setChosen(source) {
    this.chosen = source;
    this.onChosen(source);
  }

  /** How many cells there could be in a frame, and what runs the model. */
  get facts() {
    if (!this.backend) {
      const grid = Number(this.#values["patch-diff-grid"]);
      return { budget: `${grid * grid} cells`, backend: "" };
    }
    const most = Number(this.#values["max-gaze-tokens-each-frame"]);
    return { budget: most > 0 ? `${most} tokens` : "the model's budget", backend: this.backend };
  }

  /**
   * @param {string} backend
   * @param {boolean} replaced whether another model is being loaded already
   */
  #ready(backend, replaced) {
    // On its way while patch-diff was chosen: the worker lets it go.
    if (!this.#loading) return;
    if (!replaced) this.#endLoading();
    this.backend = backend;
    this.onActive("autogaze");
  }

  /** @param {string} sentence */
  #lost(sentence) {
    this.backend = "";
    this.#loading = true;
    this.#progress.show("Starting the model again", 0, 0);
    this.onActive("patch-diff");
    this.onProblem(sentence);
  }

  /** @param {string} sentence */
  #stopped(sentence) {
    this.backend = "";
    if (!this.#loading) {
      this.#select.value = "patch-diff";
      this.#setChosen("patch-diff");
    }
    this.onActive("patch-diff");
    this.onProblem(sentence);
  }

  /** @param {string} sentence */
  #failed(sentence) {
    if (!this.#loading) return;
    this.#endLoading();
    // A model that is already there goes on.
    if (!this.backend) {
      this.#select.value = "patch-diff";
      this.#setChosen("patch-diff");
    }
    this.onFailed(Boolean(this.backend));
    this.onProblem(sentence);
  }

  #stopLoading() {
    if (this.#loading) this.#view.cancelModel();
    this.#endLoading();
  }

  #endLoading() {
    this.#loading = false;
    this.#progress.hide();
  }

  /** Most tokens of a frame or tile, 0 for the model's own limit; `top-k` is the least that is allowed. */
  #tokenLimit() {
    const limit = Number(this.#values["max-gaze-tokens-each-frame"]);
    return limit === 0 ? 0 : Math.max(limit, Number(this.#values["top-k"]));
  }

  /** @param {string} name */
  #text(name) {
    const value = this.#values[name];
    return value ? String(value) : undefined;
  }
}
