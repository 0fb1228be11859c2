/**
 * Where a model's files come from: addresses, or files that the user chose or dropped.
 *
 * @example
 * modelUrls({}, document.baseURI);                                         // NVIDIA's release
 * modelUrls({ configUrl: "./tuned/config.json", weightsUrl: "./tuned/model.safetensors" }, document.baseURI);
 * await sortFiles([...dropEvent.dataTransfer.files]);                      // in any order, identified by content
 * @module
 */

/**
 * What a file is for; `weights` is the whole `model.safetensors` or one of the shards that an index names.
 * @typedef {"config" | "preprocessor" | "weights" | "index"} Role
 *
 * Addresses; that of the weights may be their folder's, or that of the index of their shards.
 * @typedef {Record<"config" | "preprocessor" | "weights", string>} ModelUrls
 *
 * @typedef {{ weights: File[], index: File | null }} SortedWeights several files only with an index
 * @typedef {{ config: File, preprocessor: File | null } & SortedWeights} SortedFiles
 * @typedef {{ urls: ModelUrls, given?: GivenFiles } | { files: File[] }} ModelSource
 *
 * Files that replace addresses. `preprocessor` null means that the model has none; `weights` are in any order and
 * include the index.
 * @typedef {{ config?: File, preprocessor?: File | null, weights?: File[] }} GivenFiles
 */

const RELEASE = "https://huggingface.co/nvidia/AutoGaze/resolve/main/";

/** Each file's name in a Hugging Face repository, and the option that sets its address. */
export const MODEL_FILES = Object.freeze({
  config: { name: "config.json", option: "config-url" },
  preprocessor: { name: "preprocessor_config.json", option: "config-url" },
  weights: { name: "model.safetensors", option: "weights-url" },
  index: { name: "model.safetensors.index.json", option: "weights-url" },
});

/** The site's own small model, relative to the site. */
export const BUILT_IN = Object.freeze({
  configUrl: "built-in/config.json",
  weightsUrl: "built-in/model.safetensors",
  graphsUrl: "built-in/",
});

/** The site's own small vision encoder. */
export const BUILT_IN_ENCODER = Object.freeze({
  configUrl: "encoder/config.json",
  weightsUrl: "encoder/model.safetensors",
  graphsUrl: "encoder/",
});

/** The graph of SigLIP base with patches of 16 at 224 pixels, for AutoGaze's scales, relative to the site. */
export const SIGLIP_GRAPHS = "siglip/";

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
  if (url.pathname.endsWith("/") && role !== "weights") throw refuse("is a folder");
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
  const found = await filesByRole(files);
  const other = found.unknown[0];
  if (other)
    throw new Error(
      `"${other.name}" is not a file of an AutoGaze model: choose config.json and model.safetensors.`,
    );
  const config = onlyOne("config", found.config);
  const preprocessor = onlyOne("preprocessor", found.preprocessor);
  const weights = oneCheckpoint(found);
  const missing = [
    config ? [] : MODEL_FILES.config.name,
    weights.index || weights.weights.length > 0 ? [] : MODEL_FILES.weights.name,
  ].flat();
  if (config && missing.length === 0) return { config, preprocessor, ...weights };
  throw isMissing(missing.join(" and "));
}

/**
 * Tells the index among the files of a checkpoint's weights from the others.
 *
 * @param {File[]} files the weights, or an index and its shards, in any order
 * @returns {Promise<SortedWeights>}
 * @throws {Error} with a sentence for the user: what is missing or duplicated
 */
export async function sortWeights(files) {
  const { index } = await filesByRole(files);
  // `checkFile` refuses those of the others that are not weights.
  return oneCheckpoint({ index, weights: files.filter((file) => !index.includes(file)) });
}

/** @param {File[]} files */
async function filesByRole(files) {
  /** @type {Record<Role | "unknown", File[]>} */
  const found = { config: [], preprocessor: [], weights: [], index: [], unknown: [] };
  for (const file of files)
    found[(await roleByContent(file)) ?? roleByName(file.name) ?? "unknown"].push(file);
  return found;
}

/**
 * As natively, a whole `model.safetensors` is preferred to shards.
 * @param {{ weights: File[], index: File[] }} found
 * @returns {SortedWeights}
 */
function oneCheckpoint(found) {
  const index = onlyOne("index", found.index);
  const whole = found.weights.find(({ name }) => name === MODEL_FILES.weights.name);
  if (index && whole) return { weights: [whole], index: null };
  if (!index && found.weights.some(({ name }) => Number(SHARD_COUNT.exec(name)?.[1]) > 1))
    throw isMissing(MODEL_FILES.index.name);
  if (!index) onlyOne("weights", found.weights);
  return { weights: found.weights, index };
}

/** The number of shards in names such as "model-00001-of-00002.safetensors". */
const SHARD_COUNT = /-\d+-of-(\d+)/;

/**
 * @param {Role} role
 * @param {File[]} files
 */
function onlyOne(role, [file, other]) {
  if (file && other)
    throw new Error(
      `"${file.name}" and "${other.name}" are both a ${MODEL_FILES[role].name}: choose one of them.`,
    );
  return file ?? null;
}

/** @param {string} names */
function isMissing(names) {
  return new Error(`${names} of the model is missing: choose all its files together.`);
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
    if (keys.includes("weight_map")) return "index";
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
  if (/\.index.*\.json$/i.test(name)) return "index";
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
