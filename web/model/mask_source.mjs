/**
 * Which mask source chooses the cells: patch-diff at once, or AutoGaze as soon as its model is loaded.
 * @module
 */

/** @import { LiveView, ModelRequest } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { TypedEventTarget } from "../../wasm_bridge/autogaze.mjs";
import { element } from "../page/element.mjs";
import { messageOf, showNotice } from "../page/notice.mjs";
import { counted } from "../page/number_text.mjs";
import { ProgressBar } from "../page/progress_bar.mjs";
import { filledSelect } from "../settings/bound_controls.mjs";
import { askAboutHosts, dismissHostQuestion, originsToAsk, otherOrigins } from "./host_question.mjs";
import { builtInGraphs } from "./model_addresses.mjs";
import { openRoute } from "./other_hosts.mjs";

/** @typedef {"patch-diff" | "autogaze"} MaskSourceName */

/** Options that together limit a frame's tokens. */
const TOKEN_LIMITS = ["max-gaze-tokens-each-frame", "top-k"];
/** A limit for which the model has to be loaded again is waited for so long, while somebody turns the dial. */
const RELOAD_AFTER_MS = 400;

/**
 * Its events: `chosen`, a source that need not be ready yet; `active`, the source that chooses the cells from now on;
 * `load-failed`, when a model could not be loaded.
 * @extends {TypedEventTarget<Record<"chosen" | "active", MaskSourceName> & Record<"load-failed", null>>}
 */
export class MaskSource extends TypedEventTarget {
  /** A description of what runs the model; empty while there is none. */
  backend = "";
  /** The source that was chosen last, whether or not it is active yet. @type {MaskSourceName} */
  chosen = "patch-diff";
  /** The model's files if the user opened some. @type {File[]} */
  files = [];

  #view;
  #settings;
  #player;
  #select;
  #progress = new ProgressBar("model-loading", "model");
  #loading = false;
  /** Identifies the latest change of the token limit. */
  #limit = {};
  /** Identifies the latest choice among those that wait for the user or for a route. */
  #question = {};

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer }} page */
  constructor({ view, settings, player }) {
    super();
    this.#view = view;
    this.#settings = settings;
    this.#player = player;
    this.#select = filledSelect("mask-source", settings, "mask-source");
    this.#select.value = this.chosen;
    this.#select.addEventListener("change", () =>
      this.choose(/** @type {MaskSourceName} */ (this.#select.value)),
    );
    element("model-cancel", HTMLButtonElement).addEventListener("click", () => this.choose("patch-diff"));
    settings.on("change", (names) => this.#followSettings(names));
    view.on("model-progress", (progress) => this.#loading && this.#progress.show(progress));
    view.on("model-ready", ({ backend, superseded }) => this.#onReady(backend, superseded));
    view.on("model-error", ({ message }) => this.#onError(message));
    view.on("model-note", ({ message }) => showNotice(message));
    view.on("model-lost", ({ message }) => this.#onLost(message));
    view.on("model-stopped", ({ message }) => this.#onStopped(message));
    view.on("restart", () => this.#restart());
  }

  /** How many cells a frame can have, and what runs the model. */
  get facts() {
    const { values } = this.#settings;
    if (!this.backend) {
      const grid = Number(values["patch-diff-grid"]);
      return { budget: counted(grid * grid, "cell"), backend: "" };
    }
    const limit = this.#tokenLimit();
    return { budget: limit > 0 ? counted(limit, "token") : "the model's budget", backend: this.backend };
  }

  /**
   * @param {MaskSourceName} source
   * @param {File[]} [files] of a model, instead of the addresses in the options
   */
  choose(source, files = []) {
    this.files = files;
    this.#question = this.#limit = {};
    dismissHostQuestion();
    this.#setChosen(source);
    if (this.#loading) this.#view.cancelModel();
    this.#endLoading();
    if (source === "patch-diff") {
      this.#view.unloadModel();
      this.#setActive(source);
      return;
    }
    const request = this.#request(files);
    const { configUrl, weightsUrl, graphsUrl } = request;
    const origins = otherOrigins(files.length > 0 ? [graphsUrl] : [configUrl, weightsUrl, graphsUrl]);
    const toAsk = originsToAsk(origins);
    if (toAsk.length > 0) this.#askAndChoose(toAsk, files);
    else this.#load(request, origins);
  }

  /**
   * @param {string[]} origins to ask the user about
   * @param {File[]} files
   */
  async #askAndChoose(origins, files) {
    const asked = {};
    this.#question = asked;
    const agreed = await askAboutHosts(origins);
    // Another choice took the question back.
    if (asked !== this.#question || this.chosen !== "autogaze") return;
    this.choose(agreed ? "autogaze" : "patch-diff", files);
  }

  /**
   * @param {ModelRequest} request
   * @param {string[]} origins of other sites
   */
  async #load(request, origins) {
    this.#loading = true;
    this.#progress.show({ step: "Loading the model", loaded: 0, total: 0 });
    if (origins.length === 0) {
      this.#view.loadModel(request);
      return;
    }
    const loading = {};
    this.#question = loading;
    try {
      const route = await openRoute(origins);
      if (loading === this.#question) this.#view.loadModel(request, route);
    } catch (error) {
      if (loading === this.#question) this.#onError(messageOf(error));
    }
  }

  /**
   * @param {File[]} files
   * @returns {ModelRequest}
   */
  #request(files) {
    return {
      configUrl: this.#address("config-url"),
      weightsUrl: this.#address("weights-url"),
      graphsUrl: builtInGraphs(this.#settings.values, files) ?? this.#address("graphs-url"),
      files,
      backend: /** @type {"auto" | "webgpu" | "wasm"} */ (this.#settings.values.backend),
      maxTokens: this.#tokenLimit(),
    };
  }

  /** @param {string[]} names of the options that have changed */
  #followSettings(names) {
    const source = /** @type {MaskSourceName} */ (this.#settings.values["mask-source"]);
    if (names.includes("mask-source") && source !== this.chosen) {
      this.choose(source);
      return;
    }
    const reasons = names.filter((name) => this.#settings.option(name).restarts === "model");
    if (this.chosen !== "autogaze" || reasons.length === 0) return;
    if (reasons.every((name) => TOKEN_LIMITS.includes(name))) {
      this.#followLimit();
      return;
    }
    const otherModel = reasons.includes("config-url") || reasons.includes("weights-url");
    this.choose(source, otherModel ? [] : this.files);
  }

  /** The model stays where the limit needs no other graphs. */
  async #followLimit() {
    const changed = {};
    this.#limit = changed;
    const stays = !this.#loading && (await this.#view.limitTokens(this.#tokenLimit()).catch(() => false));
    if (stays) this.#player.redrawIfPaused();
    else {
      await new Promise((resolve) => setTimeout(resolve, RELOAD_AFTER_MS));
      // A newer limit, or another choice, takes care of itself.
      if (changed === this.#limit && this.chosen === "autogaze") this.choose("autogaze", this.files);
    }
  }

  /** Another worker is starting: the model has to be loaded again. */
  #restart() {
    this.#setActive("patch-diff");
    if (this.chosen === "autogaze") this.choose(this.chosen, this.files);
  }

  /**
   * @param {string} backend
   * @param {boolean} superseded whether another model is loading already
   */
  #onReady(backend, superseded) {
    // Patch-diff was chosen while the message was on its way: the worker unloads the model.
    if (!this.#loading) return;
    if (!superseded) this.#endLoading();
    this.#setActive("autogaze", backend);
  }

  /** @param {string} message */
  #onLost(message) {
    this.#loading = true;
    this.#progress.show({ step: "Restarting the model", loaded: 0, total: 0 });
    this.#setActive("patch-diff");
    showNotice(message);
  }

  /** @param {string} message */
  #onStopped(message) {
    if (!this.#loading) this.#setChosen("patch-diff");
    this.#setActive("patch-diff");
    showNotice(message);
  }

  /** @param {string} message */
  #onError(message) {
    if (!this.#loading) return;
    this.#endLoading();
    // A model that was loaded before stays in use.
    if (!this.backend) this.#setChosen("patch-diff");
    this.emit("load-failed", null);
    showNotice(message);
  }

  /** @param {MaskSourceName} source */
  #setChosen(source) {
    this.chosen = source;
    this.#select.value = source;
    this.#settings.set({ "mask-source": source });
    this.emit("chosen", source);
  }

  /**
   * @param {MaskSourceName} source
   * @param {string} [backend] of a model
   */
  #setActive(source, backend = "") {
    this.backend = backend;
    this.emit("active", source);
    this.#player.redrawIfPaused();
  }

  #endLoading() {
    this.#loading = false;
    this.#progress.hide();
  }

  /** Most tokens of a frame or tile, 0 for the model's own limit; `top-k` is the smallest limit allowed. */
  #tokenLimit() {
    const { values } = this.#settings;
    const limit = Number(values["max-gaze-tokens-each-frame"]);
    return limit === 0 ? 0 : Math.max(limit, Number(values["top-k"]));
  }

  /** @param {string} name of an option */
  #address(name) {
    const value = this.#settings.values[name];
    return value ? String(value) : undefined;
  }
}
