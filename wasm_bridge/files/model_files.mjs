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
 * model.config;   // text of config.json
 * model.weights;  // bytes of model.safetensors
 * model.notes;    // sentences for the user, such as that a stored model is used because there is no network
 *
 * await storedModels(store);   // the stored files, with sizes
 * await deleteModels(store);
 * @module
 */

import { cachedFetch } from "./cached_fetch.mjs";
import { checkFile, textOf } from "./file_checks.mjs";
import { sha256Of } from "./file_store.mjs";
import { MAX_JSON_BYTES, MODEL_FILES, sortFiles, unreadable } from "./model_source.mjs";

/** @import { Timeouts } from "./cached_fetch.mjs" */
/** @import { Wanted } from "./download.mjs" */
/** @import { FileStore, StoredFile } from "./file_store.mjs" */
/** @import { GivenFiles, ModelSource, Role } from "./model_source.mjs" */

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
 */

/**
 * @typedef {object} ModelFiles
 * @property {string} config text of `config.json`, valid JSON
 * @property {string | null} preprocessor text of `preprocessor_config.json`; null if the model has none
 * @property {Uint8Array<ArrayBuffer>} weights bytes of `model.safetensors`, complete
 * @property {{ config: Origin, preprocessor: Origin | null, weights: Origin }} origins
 * @property {string[]} notes sentences for the user about anything unusual
 */

/**
 * Loads the three files of a model. Calling this again resumes a download that was interrupted or cancelled;
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
  const loadFile =
    "urls" in source
      ? fromUrlsOr(source.given ?? {}, fromUrls(source.urls, store, stop, timeouts), stop)
      : fromFiles(await sortFiles(source.files), stop);
  const progress = new Progress((loaded, total) => onProgress("Loading the model", loaded, total));
  /** @param {Role} role */
  const load = async (role) => {
    try {
      return await loadFile(role, progress.file(role));
    } catch (error) {
      failed.abort(error); // The others are useless without this one.
      throw stop.reason;
    }
  };
  const loading = [load("config"), load("preprocessor"), load("weights")];
  await Promise.allSettled(loading);
  const [config, preprocessor, weights] = await Promise.all(loading);
  if (!config || !weights) throw new Error("unreachable: only the preprocessor's settings may be missing");
  return {
    config: textOf(config.bytes),
    preprocessor: preprocessor ? textOf(preprocessor.bytes) : null,
    weights: weights.bytes,
    origins: {
      config: config.origin,
      preprocessor: preprocessor?.origin ?? null,
      weights: weights.origin,
    },
    notes: notesOf({ config, preprocessor, weights }, store),
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
 * @typedef {(loaded: number, total: number | null) => void} OnBytes
 * @typedef {(role: Role, onBytes: OnBytes) => Promise<LoadedFile | null>} LoadFile
 */

/**
 * @param {Record<Role, string>} urls
 * @param {FileStore | null} store
 * @param {AbortSignal} signal
 * @param {Timeouts} [timeouts]
 * @returns {LoadFile}
 */
function fromUrls(urls, store, signal, timeouts) {
  return (role, onBytes) => {
    const { name, option } = MODEL_FILES[role];
    /** @type {Wanted} */
    const wanted = { name, url: urls[role], option };
    const seemsPage = wanted.url.includes("/blob/")
      ? `, on huggingface.co with "resolve" in place of "blob"`
      : "";
    const remedy = `give the address of the ${name} itself as ${option}${seemsPage}`;
    return cachedFetch(wanted, {
      store,
      signal,
      onBytes,
      timeouts,
      limit: role === "weights" ? undefined : MAX_JSON_BYTES,
      optional: role === "preprocessor",
      check: (bytes) => checkFile(role, bytes, wanted.url, remedy),
    });
  };
}

/**
 * @param {GivenFiles} given
 * @param {LoadFile} fromUrl
 * @param {AbortSignal} signal
 * @returns {LoadFile}
 */
function fromUrlsOr(given, fromUrl, signal) {
  const fromFile = fromFiles(given, signal);
  return (role, onBytes) => (role in given ? fromFile : fromUrl)(role, onBytes);
}

/**
 * @param {GivenFiles} files
 * @param {AbortSignal} signal
 * @returns {LoadFile}
 */
function fromFiles(files, signal) {
  return async (role, onBytes) => {
    const file = files[role];
    onBytes(0, file?.size ?? 0);
    if (!file) return null;
    const bytes = await file
      .arrayBuffer()
      .then((buffer) => new Uint8Array(buffer))
      .catch(() => Promise.reject(unreadable(file)));
    signal.throwIfAborted();
    checkFile(role, bytes, `"${file.name}"`, `choose the model's ${MODEL_FILES[role].name}`);
    onBytes(file.size, file.size);
    const sha256 = isSecureContext ? await sha256Of(bytes) : null;
    const origin = /** @type {Origin} */ ({
      from: "file",
      where: file.name,
      bytes: bytes.length,
      etag: null,
      sha256,
      stored: false,
    });
    return { bytes, origin, notes: [] };
  };
}

/**
 * @param {{ config: LoadedFile, preprocessor: LoadedFile | null | undefined, weights: LoadedFile }} files
 * @param {FileStore | null} store
 */
function notesOf({ config, preprocessor, weights }, store) {
  const notes = [config, preprocessor, weights].flatMap((file) => file?.notes ?? []);
  if (!preprocessor)
    notes.push("The model has no preprocessor_config.json, so frames are prepared as for NVIDIA's release.");
  if (!store && weights.origin.from === "network")
    notes.push(
      "This browser stores no files for this page, so the model is downloaded again next time: open the page by https or on localhost, and not in a private window.",
    );
  return [...new Set(notes)];
}

/** Adds up the progress of several files. */
class Progress {
  /** @type {Map<string, { loaded: number, total: number | null }>} */
  #files = new Map();
  #report;

  /** @param {(loaded: number, total: number) => void} report */
  constructor(report) {
    this.#report = report;
  }

  /**
   * @param {string} name
   * @returns {OnBytes}
   */
  file(name) {
    this.#files.set(name, { loaded: 0, total: null });
    return (loaded, total) => {
      this.#files.set(name, { loaded, total });
      const files = [...this.#files.values()];
      const known = files.every((file) => file.total !== null);
      this.#report(
        files.reduce((sum, file) => sum + file.loaded, 0),
        known ? files.reduce((sum, file) => sum + (file.total ?? 0), 0) : 0,
      );
    };
  }
}
