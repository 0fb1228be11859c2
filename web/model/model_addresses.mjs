/**
 * Where the two models are that the page offers: the built-in one, and NVIDIA's.
 * @module
 */

/** @import { Values } from "../settings/options.mjs" */

const RELEASE = "https://huggingface.co/nvidia/AutoGaze/resolve/main/";

export const BUILT_IN = {
  "config-url": "./built-in/config.json",
  "weights-url": "./built-in/model.safetensors",
};
export const NVIDIA = {
  "config-url": `${RELEASE}config.json`,
  "weights-url": `${RELEASE}model.safetensors`,
};

/**
 * Whether the options name a model.
 * @param {Values} values of the options
 * @param {Record<string, string>} model its addresses by option
 */
export function isSelected(values, model) {
  return Object.entries(model).every(([name, address]) => values[name] === address);
}

/**
 * The folder of the built-in model's graphs if the options name that model, and no other graphs.
 * @param {Values} values of the options
 * @param {File[]} files opened instead of the options' addresses
 */
export function builtInGraphs(values, files) {
  const wanted = files.length === 0 && isSelected(values, BUILT_IN) && values["graphs-url"] === "./graphs/";
  return wanted ? "./built-in/" : undefined;
}
