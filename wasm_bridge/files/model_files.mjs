/**
 * Loads a model's files into the worker: from the network, from the browser's storage, or from files that the
 * user chose.
 *
 * @example
 * const store = await FileStore.open();
 * const cancel = new AbortController();
 * const model = await loadModelFiles(
 *   { urls: modelUrls({}, siteUrl) },
 *   { store, signal: cancel.signal, onProgress: (step, loaded, total) => console.log(step, loaded, total) },
 * );
 * model.config;            // text of config.json
 * model.weights[0].bytes;  // of model.safetensors, or of the first shard
 * model.notes;             // sentences for the user, such as that a stored model is used because there is no network
 *
 * await storedModels(store);   // the stored files, with sizes
 * await deleteModels(store);
 * @module
 */

import { ChosenFiles } from "./chosen_files.mjs";
import { textOf } from "./file_checks.mjs";
import { LoadProgress } from "./load_progress.mjs";
import { loadTogether } from "./load_together.mjs";
import { sortFiles, sortWeights } from "./model_source.mjs";
import { RemoteFiles } from "./remote_files.mjs";

/** @import { Timeouts } from "./cached_fetch.mjs" */
/** @import { FileStore, StoredFile } from "./file_store.mjs" */
/** @import { ModelSource } from "./model_source.mjs" */

/**
 * Where a file's bytes came from. `where` is its address or its name; `etag` is null for chosen files and for
 * servers that send none; `sha256` is null on pages that are not secure contexts.
 * @typedef {object} Origin
 * @property {"network" | "cache" | "file"} from
 * @property {string} where
 * @property {number} bytes
 * @property {string | null} etag
 * @property {string | null} sha256 in hexadecimal
 * @property {boolean} stored whether it is available without a network
 *
 * @typedef {{ bytes: Uint8Array<ArrayBuffer>, origin: Origin, notes: string[] }} LoadedFile
 *
 * The weights: one file, or an index and its shards.
 * @typedef {{ index: LoadedFile | null, shards: { name: string, file: LoadedFile }[] }} LoadedWeights
 */

/**
 * @typedef {object} ModelFiles
 * @property {string} config text of `config.json`, valid JSON
 * @property {string | null} preprocessor text of `preprocessor_config.json`; null if the model has none
 * @property {{ name: string, bytes: Uint8Array<ArrayBuffer> }[]} weights `model.safetensors`, or the shards; complete
 * @property {string | null} index text of the shards' index; null if `model.safetensors` is one file
 * @property {{ config: Origin, preprocessor: Origin | null, index: Origin | null, weights: Origin[] }} origins
 * @property {string[]} notes sentences for the user about anything unusual
 */

/**
 * Loads the files of a model. Calling this again resumes a download that was interrupted or cancelled;
 * nothing is retried automatically.
 *
 * @param {ModelSource} source
 * @param {object} options
 * @param {FileStore | null} options.store where files are stored; null stores nothing
 * @param {AbortSignal} [options.signal] cancels; a partial download is stored
 * @param {(step: string, loaded: number, total: number) => void} [options.onProgress] called with the
 *   bytes of all files together; `total` is 0 until it is known
 * @param {Timeouts} [options.timeouts] how long to wait for servers
 * @returns {Promise<ModelFiles>}
 * @throws {Error} with a sentence for the user if a file is unavailable or not such a file
 * @throws the signal's reason, an `AbortError` by default, if it was cancelled
 */
export async function loadModelFiles(source, { store, signal, onProgress = () => {}, timeouts }) {
  const failed = new AbortController();
  const stop = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
  stop.throwIfAborted();
  const progress = new LoadProgress((loaded, total) => onProgress("Loading the model", loaded, total));
  const loaders = await loadersOf(source, { store, signal: stop, timeouts });
  /** @type {((onAnswer: () => void) => Promise<LoadedFile | LoadedWeights | null>)[]} */
  const loads = [
    (onAnswer) => loaders.config.load("config", progress.heard(onAnswer).file("config")),
    (onAnswer) => loaders.preprocessor.load("preprocessor", progress.heard(onAnswer).file("preprocessor")),
    (onAnswer) => loaders.weights.loadWeights(progress.heard(onAnswer)),
  ];
  const loaded = await loadTogether(loads, (error) => failed.abort(error)).catch(() => {
    throw stop.reason;
  });
  const [config, preprocessor, weights] =
    /** @type {[LoadedFile | null, LoadedFile | null, LoadedWeights]} */ (loaded);
  if (!config) throw new Error("unreachable: only the preprocessor's settings may be missing");
  const { index, shards } = weights;
  return {
    config: textOf(config.bytes),
    preprocessor: preprocessor ? textOf(preprocessor.bytes) : null,
    weights: shards.map(({ name, file }) => ({ name, bytes: file.bytes })),
    index: index ? textOf(index.bytes) : null,
    origins: {
      config: config.origin,
      preprocessor: preprocessor?.origin ?? null,
      index: index?.origin ?? null,
      weights: shards.map(({ file }) => file.origin),
    },
    notes: notesOf([config, preprocessor, index, ...shards.map(({ file }) => file)], !preprocessor, store),
  };
}

/**
 * Lists the stored files: one entry for each complete file and one for each partial download.
 * @param {FileStore | null} store
 * @returns {Promise<StoredFile[]>}
 */
export async function storedModels(store) {
  return (await store?.list()) ?? [];
}

/**
 * Deletes all stored files. Models in use keep working.
 * @param {FileStore | null} store
 * @throws {Error} with a sentence for the user if a model is being loaded
 */
export async function deleteModels(store) {
  await store?.deleteAll();
}

/**
 * What loads each of the files: the network, or files that the user chose.
 * @param {ModelSource} source
 * @param {{ store: FileStore | null, signal: AbortSignal, timeouts: Timeouts | undefined }} options
 * @returns {Promise<Record<"config" | "preprocessor" | "weights", RemoteFiles | ChosenFiles>>}
 */
async function loadersOf(source, options) {
  if ("files" in source) {
    const chosen = new ChosenFiles(await sortFiles(source.files), options.signal);
    return { config: chosen, preprocessor: chosen, weights: chosen };
  }
  const { weights, ...given } = source.given ?? {};
  const sorted = weights ? await sortWeights(weights) : { weights: [], index: null };
  const chosen = new ChosenFiles({ ...given, ...sorted }, options.signal);
  const remote = new RemoteFiles(source.urls, options);
  return {
    config: "config" in given ? chosen : remote,
    preprocessor: "preprocessor" in given ? chosen : remote,
    weights: weights ? chosen : remote,
  };
}

/**
 * @param {(LoadedFile | null)[]} files
 * @param {boolean} withoutPreprocessor
 * @param {FileStore | null} store
 */
function notesOf(files, withoutPreprocessor, store) {
  const notes = files.flatMap((file) => file?.notes ?? []);
  if (withoutPreprocessor)
    notes.push("The model has no preprocessor_config.json, so frames are prepared as for NVIDIA's release.");
  if (!store && files.at(-1)?.origin.from === "network")
    notes.push(
      "This browser stores no files for this page, so the model is downloaded again next time: open the page by https or on localhost, and not in a private window.",
    );
  return [...new Set(notes)];
}
