/**
 * The model of an `AutoGaze` object, reloaded whenever the settings change its token limit.
 * @module
 */

import { modelUrls } from "../files/model_source.mjs";

/** @import { OnProgress } from "../calls/call_types.mjs" */
/** @import { GivenFiles, ModelSource } from "../files/model_source.mjs" */
/** @import { ModelHost } from "../model/model_host.mjs" */
/** @import { ModelParts } from "./protocol.mjs" */

export class ApiModel {
  #host;
  #session;
  #request;
  #onLoaded;
  /** The token limit that the model was loaded for. @type {number | undefined} */
  #limit;

  /**
   * @param {ModelHost} host
   * @param {any} session Python's `ClipSession`, as a Pyodide proxy
   * @param {string} siteUrl
   * @param {ModelParts} parts
   * @param {(backend: string, notes: string[]) => void} onLoaded
   * @throws {Error} with a sentence for the user if an address is invalid
   */
  constructor(host, session, siteUrl, parts, onLoaded) {
    this.#host = host;
    this.#session = session;
    this.#onLoaded = onLoaded;
    this.#request = { source: sourceOf(parts, siteUrl), graphsUrl: parts.graphs, backend: parts.backend };
  }

  /**
   * Loads the model unless it is already loaded with the token limit of the settings.
   * @param {AbortSignal} signal
   * @param {OnProgress} onProgress
   * @throws {Error} with a sentence for the user
   */
  async fit(signal, onProgress) {
    await this.#host.settled();
    const limit = this.#session.token_limit();
    if (limit === this.#limit) return;
    const { backend, notes } = await this.#host.load(
      { ...this.#request, maxTokens: limit },
      { signal, onProgress },
    );
    this.#limit = limit;
    this.#onLoaded(backend, notes);
  }
}

/**
 * @param {ModelParts} parts
 * @param {string} siteUrl
 * @returns {ModelSource}
 */
function sourceOf({ config, weights, preprocessor }, siteUrl) {
  const [configUrl, weightsUrl] = [config, weights].map((file) =>
    typeof file === "string" ? file : undefined,
  );
  const urls = modelUrls({ configUrl, weightsUrl }, siteUrl);
  if (typeof preprocessor === "string") urls.preprocessor = preprocessor;
  /** @type {GivenFiles} */
  const given = {};
  if (config instanceof File) {
    given.config = config;
    if (preprocessor === null) given.preprocessor = null;
  }
  if (Array.isArray(weights)) given.weights = weights;
  if (preprocessor instanceof File) given.preprocessor = preprocessor;
  return { urls, given };
}
