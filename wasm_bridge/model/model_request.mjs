/**
 * Which model to load, and how to run it.
 * @module
 */

import { modelUrls } from "../files/model_source.mjs";

/** @import { ModelSource } from "../files/model_source.mjs" */

/**
 * Everything is optional. Addresses are relative to the site.
 * @typedef {object} ModelRequest
 * @property {string} [configUrl] of config.json; NVIDIA's release by default
 * @property {string} [weightsUrl] of model.safetensors; NVIDIA's release by default
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
  const { files = [], graphsUrl, backend = "auto", maxTokens } = request;
  const source = request.source ?? (files.length > 0 ? { files } : { urls: modelUrls(request, siteUrl) });
  return {
    source,
    graphsUrl: new URL(graphsUrl || "graphs/", siteUrl).href,
    backend,
    maxTokens: maxTokens || null,
  };
}
