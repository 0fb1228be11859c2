/**
 * The model that the page uses, for a worker of its own: a check or a benchmark.
 * @module
 */

/** @import { CreateOptions } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Values } from "../settings/options.mjs" */

import { builtInGraphs } from "./model_addresses.mjs";

/**
 * @param {Values} values of the options
 * @param {File[]} files opened instead of the options' addresses
 * @returns {CreateOptions}
 */
export function modelInUse(values, files) {
  const graphs = builtInGraphs(values, files) ?? String(values["graphs-url"]);
  const backend = /** @type {"auto" | "webgpu" | "wasm"} */ (values.backend);
  if (files.length === 0)
    return { config: String(values["config-url"]), weights: String(values["weights-url"]), graphs, backend };
  const isJson = (/** @type {File} */ { name }) => /\.json$/i.test(name);
  const isPreprocessor = (/** @type {File} */ { name }) => /preprocessor/i.test(name);
  const isIndex = (/** @type {File} */ { name }) => /index/i.test(name);
  const config = files.find((file) => isJson(file) && !isPreprocessor(file) && !isIndex(file));
  const weights = files.filter((file) => !isJson(file) || isIndex(file));
  return { config, weights, preprocessor: files.find(isPreprocessor), graphs, backend };
}
