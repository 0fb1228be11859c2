/**
 * Which model to load, and how to run it.
 * @module
 */

import { BUILT_IN, modelUrls } from "../files/model_source.mjs";

/** @import { ModelSource } from "../files/model_source.mjs" */

/**
 * Everything is optional. Addresses are relative to the site.
 * @typedef {object} ModelRequest
 * @property {"built-in" | "nvidia"} [model] which one to load if there are neither addresses nor files: the site's
 *   own small one, the default, or NVIDIA's release
 * @property {string} [configUrl] of config.json; NVIDIA's if only the other address is given
 * @property {string} [weightsUrl] of model.safetensors, of the index of its shards, or of the folder of either;
 *   NVIDIA's if only the other address is given
 * @property {string} [graphsUrl] folder of the graphs, for another architecture than the released one
 * @property {File[]} [files] the model's files, chosen by the user; used instead of the addresses unless empty
 * @property {ModelSource} [source] where the files come from, instead of `files` and the addresses
 * @property {"auto" | "webgpu" | "wasm"} [backend] `auto` by default
 * @property {number} [maxTokens] limit on a frame's tokens; 0, the default, leaves it to the model
 */

/**
 * What a load comes to: what runs the model, for people, and sentences about what did not go as usual.
 * @typedef {{ backend: string, notes: string[] }} LoadOutcome
 */

/**
 * A request with its defaults filled in.
 * @param {ModelRequest} request
 * @param {string} siteUrl
 * @returns {{ source: ModelSource, graphsUrl: string, backend: "auto" | "webgpu" | "wasm", maxTokens: number | null }}
 * @throws {Error} with a sentence for the user if an address cannot be used
 */
export function completeRequest(request, siteUrl) {
  const { files = [], configUrl, weightsUrl, backend = "auto", maxTokens, model = "built-in" } = request;
  const given = request.source ?? configUrl ?? weightsUrl ?? files[0];
  const addresses = given || model === "nvidia" ? { configUrl, weightsUrl } : BUILT_IN;
  const graphsUrl = request.graphsUrl || (addresses === BUILT_IN ? BUILT_IN.graphsUrl : "graphs/");
  return {
    source: request.source ?? (files.length > 0 ? { files } : { urls: modelUrls(addresses, siteUrl) }),
    graphsUrl: new URL(graphsUrl, siteUrl).href,
    backend,
    maxTokens: maxTokens || null,
  };
}
