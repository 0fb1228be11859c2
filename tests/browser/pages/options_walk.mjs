/**
 * Sets options to all combinations of their values while a source runs.
 * @module
 */

import { pageParts } from "./live_frames.mjs";

/**
 * @param {Record<string, string[]>} choices values by option
 * @returns {Promise<string[]>} each error of a frame, with the options
 */
export async function walk(choices) {
  const { view, settings } = pageParts();
  /** @type {Record<string, string>[]} */
  let combinations = [{}];
  for (const [name, values] of Object.entries(choices))
    combinations = combinations.flatMap((each) => values.map((value) => ({ ...each, [name]: value })));
  /** @type {string[]} */
  const errors = [];
  for (const [index, options] of combinations.entries()) {
    settings.set(options);
    const message = await new Promise((resolve) => {
      view.on("frame", () => resolve(""), { once: true });
      view.on("frame-error", ({ message }) => resolve(message), { once: true });
    });
    if (message) errors.push(`${Object.values(options)}: ${message}`);
    // Options arrive at any moment of a frame.
    await new Promise((resolve) => setTimeout(resolve, index % 7));
  }
  return errors;
}
