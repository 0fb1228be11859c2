/**
 * The clips that come with the page. `site/samples/README.md` says who made them.
 * @module
 */

/** The shapes of those that are not 16:9, as values of `aspect-ratio`. @type {Record<string, string>} */
const SHAPES = { talk: "122 / 91", news: "1 / 1" };

/**
 * The address of a clip, or of its still.
 * @param {string} name a value of the option `sample`
 * @param {"webm" | "webp"} [suffix]
 */
export function sampleAddress(name, suffix = "webm") {
  return `./sample/${name}.${suffix}`;
}

/** @param {string} name a value of the option `sample` */
export function sampleShape(name) {
  return SHAPES[name] ?? "16 / 9";
}
