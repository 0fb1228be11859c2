/**
 * What the user selected for the sources, and what the options say instead.
 * @module
 */

/** @import { Option, Values } from "../settings/options.mjs" */

/**
 * What the user selected for some of the sources: files, the id of a camera, and the stream of one just allowed.
 * @typedef {{ file?: File, image?: File, camera?: string, stream?: MediaStream }} SelectedMedia
 */

/** The sources that the options with an address are about. */
const SOURCE_OF = new Map([
  ["image-url", "image"],
  ["video-url", "file"],
]);

/** Which selection a changed option replaces. @type {Map<string, keyof SelectedMedia>} */
const REPLACES = new Map([
  ["image-url", "image"],
  ["video-url", "file"],
  ["camera-facing", "camera"],
]);

/**
 * Whether a source needs a file that was neither selected nor named by an address.
 * @param {string} name of the source
 * @param {SelectedMedia} selected
 * @param {Values} values of the options
 */
export function lacksFile(name, selected, values) {
  if (name !== "file" && name !== "image") return false;
  return !selected[name] && !values[name === "file" ? "video-url" : "image-url"];
}

/**
 * Whether what a source shows stays on this machine: a file that was selected, a camera, a screen.
 * @param {string} name of the source
 * @param {SelectedMedia} selected
 */
export function staysHere(name, selected) {
  if (name === "file" || name === "image") return selected[name] !== undefined;
  return name === "camera" || name === "screen";
}

/**
 * What is still selected after options have changed: they replace what was chosen by hand before.
 * @param {SelectedMedia} selected
 * @param {string[]} names of the options that have changed
 * @returns {SelectedMedia}
 */
export function stillSelected(selected, names) {
  const left = { ...selected };
  for (const name of names) {
    const replaced = REPLACES.get(name);
    if (replaced) delete left[replaced];
  }
  return left;
}

/**
 * Whether a source has to be opened again for a new value of an option.
 * @param {Option} option
 * @param {string} source its name
 */
export function reopens({ name, restarts, when }, source) {
  if (name === "source" || restarts !== "source") return false;
  return SOURCE_OF.has(name) ? SOURCE_OF.get(name) === source : (when?.source ?? [source]).includes(source);
}
