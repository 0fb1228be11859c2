/**
 * Where a model's three files come from: addresses, or files that the user chose or dropped.
 *
 * @example
 * modelUrls({}, document.baseURI);                                         // NVIDIA's release
 * modelUrls({ configUrl: "./tuned/config.json", weightsUrl: "./tuned/model.safetensors" }, document.baseURI);
 * await sortFiles([...dropEvent.dataTransfer.files]);                      // in any order, identified by content
 * @module
 */

/**
 * What a file is for. `option` is the option of `options.json` that sets its address.
 * @typedef {"config" | "preprocessor" | "weights"} Role
 * @typedef {Record<Role, string>} ModelUrls
 * @typedef {{ config: File, preprocessor: File | null, weights: File }} SortedFiles
 * @typedef {{ urls: ModelUrls, given?: GivenFiles } | { files: File[] }} ModelSource
 *
 * Files that replace addresses; null means that the model has no such file.
 * @typedef {Partial<Record<Role, File | null>>} GivenFiles
 */

const RELEASE = "https://huggingface.co/nvidia/AutoGaze/resolve/main/";

/** Each file's name in a Hugging Face repository, and the option that sets its address. */
export const MODEL_FILES = Object.freeze({
  config: { name: "config.json", option: "config-url" },
  preprocessor: { name: "preprocessor_config.json", option: "config-url" },
  weights: { name: "model.safetensors", option: "weights-url" },
});

/** The site's own small model, relative to the site. */
export const BUILT_IN = Object.freeze({
  configUrl: "built-in/config.json",
  weightsUrl: "built-in/model.safetensors",
  graphsUrl: "built-in/",
});

/** A config has a few kilobytes; weights passed as a config by mistake must not be read as text. */
export const MAX_JSON_BYTES = 1_000_000;

/**
 * The addresses of a model's files, by default those of NVIDIA's release. `preprocessor_config.json` is expected
 * next to the config.
 *
 * @param {{ configUrl?: string, weightsUrl?: string }} given absolute, or relative to `base`
 * @param {string} base address of the page
 * @returns {ModelUrls}
 * @throws {Error} with a sentence for the user if an address is invalid
 */
export function modelUrls({ configUrl, weightsUrl }, base) {
  const config = fileUrl(configUrl ?? `${RELEASE}${MODEL_FILES.config.name}`, "config", base);
  return {
    config,
    preprocessor: new URL(MODEL_FILES.preprocessor.name, config).href,
    weights: fileUrl(weightsUrl ?? `${RELEASE}${MODEL_FILES.weights.name}`, "weights", base),
  };
}

/**
 * @param {string} given
 * @param {Role} role
 * @param {string} base
 */
function fileUrl(given, role, base) {
  const { name, option } = MODEL_FILES[role];
  /** @param {string} problem */
  const refuse = (problem) =>
    new Error(`${option} is the address of a ${name}, such as ${RELEASE}${name}; "${given}" ${problem}.`);
  const url = URL.parse(given.trim(), base);
  if (!url || given.trim() === "") throw refuse("is no address");
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw refuse("does not begin with https:// or http://");
  if (url.username || url.password) throw refuse("holds a password, which browsers do not send");
  if (url.protocol === "http:" && base.startsWith("https:") && !isThisMachine(url))
    throw refuse("begins with http://, which a page opened by https may not load");
  if (url.pathname.endsWith("/")) throw refuse("is a folder");
  url.hash = "";
  return url.href;
}

/** @param {URL} url */
function isThisMachine({ hostname }) {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/**
 * Identifies a model's files by their content, since browsers rename downloads ("config (1).json"), or by their
 * names if the content is not recognized.
 *
 * @param {File[]} files in any order; `preprocessor_config.json` may be missing
 * @returns {Promise<SortedFiles>}
 * @throws {Error} with a sentence for the user: what is missing, duplicated, or not part of a model
 */
export async function sortFiles(files) {
  /** @type {Map<Role, File>} */
  const found = new Map();
  for (const file of files) {
    const role = (await roleByContent(file)) ?? roleByName(file.name);
    if (!role)
      throw new Error(
        `"${file.name}" is not a file of an AutoGaze model: choose config.json and model.safetensors.`,
      );
    const other = found.get(role);
    if (other)
      throw new Error(
        `"${other.name}" and "${file.name}" are both a ${MODEL_FILES[role].name}: choose one of them.`,
      );
    found.set(role, file);
  }
  const config = found.get("config");
  const weights = found.get("weights");
  if (config && weights) return { config, preprocessor: found.get("preprocessor") ?? null, weights };
  const missing = [config ? [] : "config.json", weights ? [] : "model.safetensors"].flat();
  throw new Error(`${missing.join(" and ")} of the model is missing: choose all its files together.`);
}

/**
 * @param {File} file
 * @returns {Promise<Role | undefined>}
 */
async function roleByContent(file) {
  const buffer = await file
    .slice(0, 9)
    .arrayBuffer()
    .catch(() => Promise.reject(unreadable(file)));
  const start = new Uint8Array(buffer);
  // A safetensors file starts with the length of its header in 8 bytes, then the header's opening brace.
  if (start[7] === 0 && start[8] === BRACE) return "weights";
  if (file.size > MAX_JSON_BYTES) return undefined;
  try {
    const keys = Object.keys(JSON.parse(await file.text()));
    return keys.some((key) => PREPROCESSOR_KEYS.has(key)) ? "preprocessor" : "config";
  } catch {
    return undefined;
  }
}

const BRACE = "{".charCodeAt(0);
const PREPROCESSOR_KEYS = new Set(["image_processor_type", "image_mean", "do_resize", "do_rescale"]);

/**
 * @param {string} name
 * @returns {Role | undefined}
 */
function roleByName(name) {
  if (/\.safetensors$/i.test(name)) return "weights";
  if (/^preprocessor_config.*\.json$/i.test(name)) return "preprocessor";
  if (/\.json$/i.test(name)) return "config";
  return undefined;
}

/** @param {File} file */
export function unreadable(file) {
  return new Error(
    `"${file.name}" cannot be read: it is a folder, or was changed, moved or deleted; choose the file again.`,
  );
}
