/**
 * A model's files that the user chose.
 * @module
 */

import { checkFile, textOf } from "./file_checks.mjs";
import { sha256Of } from "./file_store.mjs";
import { MODEL_FILES, unreadable } from "./model_source.mjs";
import { findShards, readIndex } from "./shard_index.mjs";

/** @import { LoadProgress, OnBytes } from "./load_progress.mjs" */
/** @import { LoadedFile, LoadedWeights, Origin } from "./model_files.mjs" */
/** @import { Role, SortedFiles } from "./model_source.mjs" */

export class ChosenFiles {
  #files;
  #signal;

  /**
   * @param {Partial<SortedFiles>} files
   * @param {AbortSignal} signal
   */
  constructor(files, signal) {
    this.#files = files;
    this.#signal = signal;
  }

  /**
   * @param {"config" | "preprocessor"} role
   * @param {OnBytes} onBytes
   * @returns {Promise<LoadedFile | null>} null if there is no such file
   * @throws {Error} with a sentence for the user
   */
  async load(role, onBytes) {
    const file = this.#files[role];
    if (file) return this.#read(role, file, onBytes);
    onBytes(0, 0);
    return null;
  }

  /**
   * @param {LoadProgress} progress
   * @returns {Promise<LoadedWeights>}
   * @throws {Error} with a sentence for the user
   */
  async loadWeights(progress) {
    const { weights = [], index } = this.#files;
    const counters = weights.map((file, number) => progress.file(`weights ${number}`, file.size));
    /** @param {Iterable<[name: string, file: File]>} named */
    const readAll = (named) =>
      Promise.all(
        Array.from(named, async ([name, file]) => {
          const onBytes = /** @type {OnBytes} */ (counters[weights.indexOf(file)]);
          return { name, file: await this.#read("weights", file, onBytes) };
        }),
      );
    if (!index)
      return { index: null, shards: await readAll(weights.map((file) => [MODEL_FILES.weights.name, file])) };
    const loaded = await this.#read("index", index, progress.file("index", index.size));
    const { names } = readIndex(textOf(loaded.bytes), `"${index.name}"`);
    return { index: loaded, shards: await readAll(findShards(names, weights)) };
  }

  /**
   * @param {Role} role
   * @param {File} file
   * @param {OnBytes} onBytes
   * @returns {Promise<LoadedFile>}
   */
  async #read(role, file, onBytes) {
    onBytes(0, file.size);
    const bytes = await file
      .arrayBuffer()
      .then((buffer) => new Uint8Array(buffer))
      .catch(() => Promise.reject(unreadable(file)));
    this.#signal.throwIfAborted();
    checkFile(role, bytes, `"${file.name}"`, `choose the model's ${MODEL_FILES[role].name}`);
    onBytes(file.size, file.size);
    const sha256 = isSecureContext ? await sha256Of(bytes) : null;
    /** @type {Origin} */
    const origin = { from: "file", where: file.name, bytes: bytes.length, etag: null, sha256, stored: false };
    return { bytes, origin, notes: [] };
  }
}
