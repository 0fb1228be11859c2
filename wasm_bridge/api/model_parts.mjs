/**
 * The files of a model as the API's callers pass them.
 * @module
 */

import { BUILT_IN } from "../files/model_source.mjs";

/** @import { ModelParts } from "./protocol.mjs" */

/**
 * The address of a file, relative to the page, or the file itself.
 * @typedef {string | URL | Blob | ArrayBuffer | Uint8Array} ModelFile
 */

/**
 * @param {object} given
 * @param {"built-in" | "nvidia"} [given.model]
 * @param {ModelFile} [given.config]
 * @param {ModelFile | File[]} [given.weights]
 * @param {ModelFile} [given.preprocessor]
 * @param {string | URL} [given.graphs]
 * @param {"auto" | "webgpu" | "wasm"} [given.backend]
 * @returns {ModelParts}
 * @throws {Error} with a sentence for the user
 */
export function modelParts({ model = "built-in", config, weights, preprocessor, graphs, backend = "auto" }) {
  if (model !== "built-in" && model !== "nvidia")
    throw new Error(`model is "built-in" or "nvidia", got ${JSON.stringify(model)}.`);
  if ((config === undefined) !== (weights === undefined))
    throw new Error("config and weights are of one model: give both, or neither to use model.");
  if (!["auto", "webgpu", "wasm"].includes(backend))
    throw new Error(`backend is "auto", "webgpu" or "wasm", got ${JSON.stringify(backend)}.`);
  const builtIn = config === undefined && model === "built-in" ? BUILT_IN : undefined;
  return {
    config: builtIn?.configUrl ?? fileOf("config", config, "config.json"),
    weights: builtIn?.weightsUrl ?? weightsOf(weights),
    preprocessor: fileOf("preprocessor", preprocessor, "preprocessor_config.json"),
    graphs: graphs === undefined ? (builtIn?.graphsUrl ?? "graphs/") : folder(absolute(String(graphs))),
    backend,
  };
}

/**
 * @param {ModelFile | File[] | undefined} given
 * @returns {string | File[] | null}
 */
function weightsOf(given) {
  if (!Array.isArray(given)) {
    const file = fileOf("weights", given, "model.safetensors");
    return file instanceof File ? [file] : file;
  }
  if (given.length > 0 && given.every((file) => file instanceof File)) return given;
  throw new Error("weights as an array are the index and the shards of one model, each a File.");
}

/**
 * @param {string} option
 * @param {ModelFile | undefined} given
 * @param {string} name of the file
 * @returns {string | File | null}
 */
function fileOf(option, given, name) {
  if (given === undefined) return null;
  if (typeof given === "string" || given instanceof URL) return absolute(String(given));
  if (given instanceof File) return given;
  if (given instanceof Blob || given instanceof ArrayBuffer || ArrayBuffer.isView(given))
    return new File([/** @type {BlobPart} */ (given)], name);
  throw new Error(`${option} is an address, a File, a Blob or an ArrayBuffer of a ${name}.`);
}

/** @param {string} address an invalid one is rejected where it is used */
export function absolute(address) {
  return URL.parse(address, document.baseURI)?.href ?? address;
}

/** @param {string} address */
export function folder(address) {
  return address.endsWith("/") ? address : `${address}/`;
}
