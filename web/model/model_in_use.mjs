/**
 * The model that the page uses, for a worker of its own: a check or a benchmark.
 * @module
 */

/** @import { CreateOptions } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Values } from "../settings/options.mjs" */

import { originsToAsk, otherOrigins } from "./host_question.mjs";
import { builtInGraphs } from "./model_addresses.mjs";
import { routedOrigins } from "./other_hosts.mjs";

/**
 * @param {Values} values of the options
 * @param {File[]} files opened instead of the options' addresses
 * @returns {CreateOptions}
 * @throws {Error} if it is on a host that the user has not agreed to contact, or that only a route reaches
 */
export function modelInUse(values, files) {
  const graphs = builtInGraphs(values, files) ?? String(values["graphs-url"]);
  const addresses = files.length > 0 ? [] : [String(values["config-url"]), String(values["weights-url"])];
  assertReachable(otherOrigins([graphs, ...addresses]));
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

/** @param {string[]} origins of other sites */
function assertReachable(origins) {
  const hosts = (/** @type {string[]} */ some) => some.map((origin) => new URL(origin).host).join(" and ");
  const asked = originsToAsk(origins);
  if (asked.length > 0)
    throw new Error(
      `The model is on ${hosts(asked)}, which you have not agreed to contact: choose AutoGaze under Chosen by first.`,
    );
  const routed = routedOrigins(origins);
  if (routed.length > 0)
    throw new Error(
      `The model is on ${hosts(routed)}, which the benchmark and the check cannot load from: download its files and drop them on the page.`,
    );
}
