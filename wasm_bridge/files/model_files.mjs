/**
 * Brings a model's files into the worker: from the network, from what was kept of it earlier, or from files
 * that the user chose.
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
 * model.notes;    // sentences for the user, such as that the network is gone and the kept model is used
 *
 * await storedModels(store);   // what is kept, with sizes
 * await deleteModels(store);
 * @module
 */

import { fetchKept } from "./fetch_kept.mjs";
import { checkFile, textOf } from "./file_checks.mjs";
import { sha256Of } from "./file_store.mjs";
import { MAX_JSON_BYTES, MODEL_FILES, sortFiles, unreadable } from "./model_source.mjs";

/** @import { Wanted } from "./download.mjs" */
/** @import { Silences } from "./fetch_kept.mjs" */
/** @import { FileStore, StoredFile } from "./file_store.mjs" */
/** @import { GivenFiles, ModelSource, Role } from "./model_source.mjs" */

/**
 * Where a file's bytes are from. `where` is its address or its name; `etag` is null for chosen files and for
 * servers that send none; `sha256` is null on pages that are not secure.
 * @typedef {object} Origin
 * @property {"network" | "cache" | "file"} from
 * @property {string} where
 * @property {number} bytes
 * @property {string | null} etag
 * @property {string | null} sha256 in hexadecimal
 * @property {boolean} kept whether it will be there without a network
 *
 * @typedef {{ bytes: Uint8Array<ArrayBuffer>, origin: Origin, notes: string[] }} LoadedFile
 */

/**
 * @typedef {object} ModelFiles
 * @property {string} config text of `config.json`, valid JSON
 * @property {string | null} preprocessor text of `preprocessor_config.json`; null if the model has none
 * @property {Uint8Array<ArrayBuffer>} weights bytes of `model.safetensors`, with nothing cut off
 * @property {{ config: Origin, preprocessor: Origin | null, weights: Origin }} origins
 * @property {string[]} notes sentences for the user about what did not go as usual
 */

/**
 * Loads the three files of a model. A download that broke off or was cancelled is continued by calling this
 * again; nothing is tried again by itself.
 *
 * @param {ModelSource} source
 * @param {object} how
 * @param {FileStore | null} how.store where files are kept; null keeps nothing
 * @param {AbortSignal} [how.signal] cancels; what has arrived is kept
 * @param {(step: string, loaded: number, total: number) => void} [how.onProgress] told the bytes of all files
 *   together; `total` is 0 until it is known
 * @param {Silences} [how.silences] how long servers may be silent
 * @returns {Promise<ModelFiles>}
 * @throws {Error} with a sentence for the user if a file cannot be had or is not what it should be
 * @throws the signal's reason, an `AbortError` by default, if it was cancelled
 */
export async function loadModelFiles(source, { store, signal, onProgress = () => {}, silences }) {
  const failed = new AbortController();
  const stop = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
  stop.throwIfAborted();
  const loadFile =
    "urls" in source
      ? fromUrlsOr(source.given ?? {}, fromUrls(source.urls, store, stop, silences), stop)
      : fromFiles(await sortFiles(source.files), stop);
  const progress = new Progress((loaded, total) => onProgress("Loading the model", loaded, total));
  /** @param {Role} role */
  const load = async (role) => {
    try {
      return await loadFile(role, progress.part(role));
    } catch (error) {
      failed.abort(error); // Without one file the others are of no use.
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
 * What is kept, for the page to show: one entry for each file, and one for each download that broke off.
 * @param {FileStore | null} store
 * @returns {Promise<StoredFile[]>}
 */
export async function storedModels(store) {
  return (await store?.list()) ?? [];
}

/**
 * Deletes all that is kept. Models in use go on working.
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
 * @param {Silences} [silences]
 * @returns {LoadFile}
 */
function fromUrls(urls, store, signal, silences) {
  return (role, onBytes) => {
    const { name, option } = MODEL_FILES[role];
    /** @type {Wanted} */
    const wanted = { name, url: urls[role], option };
    const seemsPage = wanted.url.includes("/blob/")
      ? `, on huggingface.co with "resolve" in place of "blob"`
      : "";
    const remedy = `give the address of the ${name} itself as ${option}${seemsPage}`;
    return fetchKept(wanted, {
      store,
      signal,
      onBytes,
      silences,
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
      kept: false,
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
      "This browser keeps no files for this page, so the model is downloaded again next time: open the page by https or on localhost, and not in a private window.",
    );
  return [...new Set(notes)];
}

/** The bytes of several files as one number. */
class Progress {
  /** @type {Map<string, { loaded: number, total: number | null }>} */
  #parts = new Map();
  #tell;

  /** @param {(loaded: number, total: number) => void} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  /**
   * @param {string} name
   * @returns {OnBytes}
   */
  part(name) {
    this.#parts.set(name, { loaded: 0, total: null });
    return (loaded, total) => {
      this.#parts.set(name, { loaded, total });
      const parts = [...this.#parts.values()];
      const known = parts.every((part) => part.total !== null);
      this.#tell(
        parts.reduce((sum, part) => sum + part.loaded, 0),
        known ? parts.reduce((sum, part) => sum + (part.total ?? 0), 0) : 0,
      );
    };
  }
}
