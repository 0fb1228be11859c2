/**
 * The files of a vision encoder. Of weights the headers are read first, and then only the part that holds the vision
 * tower's tensors: a checkpoint with both towers has four times as much. Parts are stored, and their downloads resumed,
 * as whole files are.
 * @module
 */

import { AddressReader, BEGINNING, ChosenReader, checkLength, HEAD_REMEDY } from "./encoder_readers.mjs";
import { checkHead, headLength, textOf } from "./file_checks.mjs";
import { LoadProgress } from "./load_progress.mjs";
import { sortFiles } from "./model_source.mjs";

/** @import { Timeouts } from "./cached_fetch.mjs" */
/** @import { Range } from "./download.mjs" */
/** @import { Reader } from "./encoder_readers.mjs" */
/** @import { FileStore } from "./file_store.mjs" */
/** @import { OnBytes } from "./load_progress.mjs" */
/** @import { ModelUrls } from "./model_source.mjs" */

/**
 * Where an encoder comes from: addresses, of which that of the weights is their file's or their folder's, or files.
 * @typedef {{ urls: ModelUrls } | { files: File[] }} EncoderSource
 *
 * @typedef {object} EncoderTexts
 * @property {string} config text of `config.json`
 * @property {string | null} preprocessor text of `preprocessor_config.json`; null if there is none
 * @property {string | null} index text of the shards' index; null if the weights are one file
 *
 * The header of a file of weights, with the length before it, and the size of the file.
 * @typedef {{ name: string, head: Uint8Array<ArrayBuffer>, size: number }} WeightsHead
 *
 * The texts of `decoder.json` and the bytes of `decoder.safetensors`.
 * @typedef {{ config: string, weights: Uint8Array<ArrayBuffer> }} DecoderFiles
 *
 * @typedef {object} Options
 * @property {FileStore | null} store where files are stored; null stores nothing
 * @property {AbortSignal} signal cancels; a partial download is stored
 * @property {(loaded: number, total: number) => void} onProgress bytes of the weights; the first call, before any of
 *   them has come, says how many there are
 * @property {Timeouts} [timeouts] how long to wait for servers
 */

/** An encoder's files, read in this order: `texts`, `heads`, `parts`. */
export class EncoderFiles {
  /** Sentences for the user about anything unusual. @type {Set<string>} */
  notes = new Set();
  #reader;
  #signal;
  #onProgress;

  /**
   * @param {Reader} reader
   * @param {Options} options
   */
  constructor(reader, { signal, onProgress }) {
    this.#reader = reader;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  /**
   * @param {EncoderSource} source
   * @param {Options} options
   */
  static async open(source, options) {
    const reader =
      "files" in source
        ? new ChosenReader(await sortFiles(source.files))
        : new AddressReader(source.urls, options);
    return new EncoderFiles(reader, options);
  }

  /**
   * @returns {Promise<EncoderTexts>}
   * @throws {Error} with a sentence for the user
   */
  texts() {
    return this.#reader.texts();
  }

  /**
   * The frame decoder that lies beside an encoder's config.
   * @returns {Promise<DecoderFiles>}
   * @throws {Error} with a sentence for the user
   */
  async decoder() {
    const { config, weights } = await this.#reader.decoder();
    this.#signal.throwIfAborted();
    return { config: textOf(config.bytes), weights: weights.bytes };
  }

  /**
   * @param {string[]} names of files of weights
   * @returns {Promise<WeightsHead[]>}
   * @throws {Error} with a sentence for the user
   */
  async heads(names) {
    const heads = [];
    for (const name of names) heads.push(await this.#head(name));
    return heads;
  }

  /**
   * Reads parts of files of weights.
   * @param {Map<string, Range>} ranges by the file's name
   * @returns {Promise<Map<string, Uint8Array<ArrayBuffer>>>}
   * @throws {Error} with a sentence for the user
   */
  async parts(ranges) {
    const progress = new LoadProgress(this.#onProgress);
    const counters = new Map(
      [...ranges].map(([name, { start, end }]) => [name, progress.file(name, end - start)]),
    );
    this.#onProgress(
      0,
      [...ranges.values()].reduce((sum, { start, end }) => sum + end - start, 0),
    );
    const parts = new Map();
    for (const [name, range] of ranges) {
      parts.set(name, await this.#read(name, range, counters.get(name)));
    }
    return parts;
  }

  /** @param {string} name */
  async #head(name) {
    let head = await this.#read(name, BEGINNING);
    checkHead(head, this.#reader.where(name), HEAD_REMEDY);
    const length = headLength(head) ?? 0;
    if (head.length < length) head = await this.#read(name, { start: 0, end: length });
    return { name, head: head.slice(0, length), size: sizeOf(head.subarray(0, length)) };
  }

  /**
   * @param {string} name
   * @param {Range} range
   * @param {OnBytes} [onBytes]
   */
  async #read(name, range, onBytes = () => {}) {
    const { bytes, notes } = await this.#reader.part(name, range, onBytes);
    this.#signal.throwIfAborted();
    checkLength(bytes, name, range);
    for (const note of notes) this.notes.add(note);
    return bytes;
  }
}

/**
 * The size of a file of weights, by its header: that of an answer is not readable everywhere.
 * @param {Uint8Array<ArrayBuffer>} head
 */
function sizeOf(head) {
  try {
    const header = JSON.parse(textOf(head.subarray(8)));
    const ends = Object.values(header).map((tensor) => Number(tensor?.data_offsets?.[1] ?? 0));
    return ends.reduce((last, end) => Math.max(last, end), 0) + head.length;
  } catch {
    return head.length; // Python says what is wrong with it
  }
}
