/**
 * The model of an `AutoGaze` object: loaded, loaded anew for another budget, and started again when its GPU
 * is lost.
 * @module
 */

import { modelUrls } from "../files/model_source.mjs";
import { ModelHost } from "../model/model_host.mjs";

/** @typedef {import("../live/protocol.mjs").FromWorker} FromWorker */
/** @typedef {import("./protocol.mjs").FromApiWorker} FromApiWorker */
/** @typedef {import("./protocol.mjs").ModelParts} ModelParts */
/** @typedef {(step: string, done: number, total: number) => void} OnProgress */

export const GPU_LOST =
  "The GPU was lost; the model is being started again: give the clip or frame once more.";

// How long a failed run waits to hear whether its GPU was lost.
const LOSS_MS = 200;

export class ApiModel {
  /** What runs the model, for people. */
  backend = "";

  #host;
  #session;
  #parts;
  #source;
  #tell;
  /** @type {OnProgress} */
  #onProgress = () => {};
  #fault = "";
  #limit = 0;
  #working = Promise.resolve();
  #recovered = Promise.resolve();
  #onRecovered = () => {};

  /**
   * @param {any} pyodide
   * @param {any} session Python's `ClipSession`, as a Pyodide proxy
   * @param {string} siteUrl
   * @param {ModelParts} parts
   * @param {(message: FromApiWorker) => void} tell
   */
  constructor(pyodide, session, siteUrl, parts, tell) {
    this.#session = session;
    this.#parts = parts;
    this.#source = sourceOf(parts, siteUrl);
    this.#tell = tell;
    /** @type {(task: () => Promise<void>) => Promise<void>} */
    const inTurn = (task) => {
      const done = this.#working.then(task);
      this.#working = done.catch(() => {});
      return done;
    };
    const hear = (/** @type {FromWorker} */ message) => this.#hear(message);
    this.#host = new ModelHost(pyodide, session, siteUrl, inTurn, hear, () => {});
  }

  /**
   * @param {AbortSignal} signal
   * @param {OnProgress} onProgress
   * @throws {Error} with a sentence for the user
   */
  async load(signal, onProgress) {
    const cancel = () => this.#host.cancel();
    signal.addEventListener("abort", cancel);
    this.#onProgress = onProgress;
    this.#fault = "";
    const { graphs, backend } = this.#parts;
    const limit = this.#session.token_limit();
    await this.#host.load({
      source: this.#source,
      files: [],
      graphsUrl: graphs,
      backend,
      maxTokens: limit,
    });
    signal.removeEventListener("abort", cancel);
    signal.throwIfAborted();
    if (this.#fault) throw new Error(this.#fault);
    this.#limit = limit;
  }

  /**
   * Loads the model anew if the settings have another budget than it was loaded for.
   * @param {AbortSignal} signal
   * @param {OnProgress} onProgress
   */
  async fit(signal, onProgress) {
    await this.#recovered;
    if (this.#session.token_limit() !== this.#limit) await this.load(signal, onProgress);
  }

  /** What was loaded last: another object once the GPU was lost. */
  get loaded() {
    return this.#host.model;
  }

  /**
   * Works on a frame, while the model stays as it is.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async gazing(work) {
    await this.#recovered;
    if (!this.#host.model) throw new Error(this.#fault || "There is no model.");
    const model = this.#host.model;
    const done = this.#working.then(work);
    this.#working = done.then(
      () => {},
      () => {},
    );
    try {
      return await done;
    } catch (error) {
      // What the model has seen is of no use after a run that failed.
      this.#session.forget_context();
      const inTime = new Promise((resolve) => setTimeout(resolve, LOSS_MS, false));
      if (await Promise.race([model.runner.lost.then(() => true), inTime])) throw new Error(GPU_LOST);
      throw error;
    }
  }

  /** @param {FromWorker} message */
  #hear(message) {
    switch (message.type) {
      case "model-progress":
        this.#onProgress(message.step, message.loaded, message.total);
        break;
      case "model-ready":
        this.backend = message.backend;
        this.#tell({ backend: message.backend });
        this.#onRecovered();
        break;
      case "model-fault":
      case "model-stopped":
        this.#fault = message.message;
        this.#onRecovered();
        break;
      case "model-lost":
        this.#recovered = new Promise((resolve) => {
          this.#onRecovered = resolve;
        });
        this.#tell({ note: message.message });
        break;
      case "model-note":
        this.#tell({ note: message.message });
        break;
    }
  }
}

/**
 * @param {ModelParts} parts
 * @param {string} siteUrl
 * @returns {import("../files/model_source.mjs").ModelSource}
 * @throws {Error} with a sentence for the user if an address cannot be used
 */
function sourceOf({ config, weights, preprocessor }, siteUrl) {
  const [configUrl, weightsUrl] = [config, weights].map((part) =>
    typeof part === "string" ? part : undefined,
  );
  const urls = modelUrls({ configUrl, weightsUrl }, siteUrl);
  if (typeof preprocessor === "string") urls.preprocessor = preprocessor;
  /** @type {import("../files/model_source.mjs").GivenFiles} */
  const given = {};
  if (config instanceof File) {
    given.config = config;
    if (preprocessor === null) given.preprocessor = null;
  }
  if (weights instanceof File) given.weights = weights;
  if (preprocessor instanceof File) given.preprocessor = preprocessor;
  return { urls, given };
}
