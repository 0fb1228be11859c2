/**
 * Reads an encoder's files, or parts of them, from their addresses or from files that the user chose.
 * @module
 */

import { cachedFetch } from "./cached_fetch.mjs";
import { UnavailableError } from "./download.mjs";
import { checkFile, checkHead, textOf, truncated } from "./file_checks.mjs";
import { MAX_JSON_BYTES, MODEL_FILES, unreadable } from "./model_source.mjs";
import { noWeightsAt, RemoteFiles } from "./remote_files.mjs";
import { shardUrl } from "./shard_index.mjs";

/** @import { Range } from "./download.mjs" */
/** @import { EncoderTexts, Options } from "./encoder_files.mjs" */
/** @import { OnBytes } from "./load_progress.mjs" */
/** @import { LoadedFile } from "./model_files.mjs" */
/** @import { ModelUrls, Role, SortedFiles } from "./model_source.mjs" */

/** The released checkpoints' headers have 40 to 90 kB, so one request is enough for most. @type {Range} */
export const BEGINNING = Object.freeze({ start: 0, end: 131_072 });

/** The largest block of memory that browsers give. */
const MAX_TOWER_BYTES = 2_000_000_000;

const TRUNCATED_REMEDY = "upload or download it again";
export const HEAD_REMEDY = "give the address or the file of a SigLIP checkpoint";

/**
 * @typedef {object} Reader
 * @property {() => Promise<EncoderTexts>} texts
 * @property {(name: string, range: Range, onBytes: OnBytes) => Promise<{ bytes: Uint8Array<ArrayBuffer>, notes: string[] }>} part
 * @property {(name: string) => string} where
 * @property {() => Promise<{ config: LoadedFile, weights: LoadedFile }>} decoder
 */

/** @implements {Reader} */
export class AddressReader {
  #urls;
  #options;
  #files;
  /** Of the file or the index, which its shards lie beside. */
  #weights;
  #sharded = false;
  /** What has been read to find out whether there is one file. @type {LoadedFile | null} */
  #beginning = null;

  /**
   * @param {ModelUrls} urls
   * @param {Options} options
   */
  constructor(urls, options) {
    this.#urls = urls;
    this.#options = options;
    this.#files = new RemoteFiles(urls, { timeouts: undefined, ...options });
    this.#weights = urls.weights;
  }

  async texts() {
    const quiet = () => {};
    const loading = /** @type {const} */ ([
      this.#files.load("config", quiet),
      this.#files.load("preprocessor", quiet),
      this.#index(),
    ]);
    // Where several are missing, the first of this list is named, whichever answer came first.
    await Promise.allSettled(loading);
    const [config, preprocessor, index] = await Promise.all(loading);
    return {
      config: config ? textOf(config.bytes) : "",
      preprocessor: preprocessor ? textOf(preprocessor.bytes) : null,
      index,
    };
  }

  /** As natively, the whole file is preferred to shards. */
  async #index() {
    const { pathname } = new URL(this.#weights);
    if (!pathname.endsWith("/") && !pathname.endsWith(".json")) return null;
    const folder = pathname.endsWith("/") ? this.#weights : null;
    if (folder !== null) {
      this.#weights = new URL(MODEL_FILES.weights.name, folder).href;
      this.#beginning = await this.#fetch(MODEL_FILES.weights.name, this.#weights, BEGINNING, () => {}, true);
      if (this.#beginning) return null;
      this.#weights = new URL(MODEL_FILES.index.name, folder).href;
    }
    this.#sharded = true;
    const index = new RemoteFiles(
      { ...this.#urls, weights: this.#weights },
      { timeouts: undefined, ...this.#options },
    ).index();
    const { bytes } = await index.catch((error) => {
      const missing = folder !== null && error instanceof UnavailableError && error.status === 404;
      throw missing ? new Error(noWeightsAt(folder)) : error;
    });
    return textOf(bytes);
  }

  /** @type {Reader["part"]} */
  async part(name, range, onBytes) {
    if (range === BEGINNING && this.#beginning) return this.#beginning;
    const file = await this.#fetch(name, this.where(name), range, onBytes, false);
    if (!file) throw new Error("unreachable: it is not optional");
    return file;
  }

  async decoder() {
    const [config, weights] = await Promise.all([
      this.#decoderFile("decoder.json", "config", MAX_JSON_BYTES),
      this.#decoderFile("decoder.safetensors", "weights", undefined),
    ]);
    return /** @type {{ config: LoadedFile, weights: LoadedFile }} */ ({ config, weights });
  }

  /**
   * @param {string} name
   * @param {Role} role
   * @param {number | undefined} limit
   */
  #decoderFile(name, role, limit) {
    const url = new URL(name, this.#urls.config).href;
    const remedy = "put a frame decoder's files beside the encoder's config.json";
    return cachedFetch(
      { name, url, option: "the decoder" },
      {
        ...this.#options,
        onBytes: () => {},
        limit,
        check: (bytes) => checkFile(role, bytes, url, remedy, name),
      },
    );
  }

  /** @param {string} name */
  where(name) {
    return this.#sharded ? shardUrl(name, this.#weights) : this.#weights;
  }

  /**
   * @param {string} name
   * @param {string} url
   * @param {Range} range
   * @param {OnBytes} onBytes
   * @param {boolean} optional
   */
  async #fetch(name, url, range, onBytes, optional) {
    // Only what is checked is stored as complete.
    const check = (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      if (range === BEGINNING) checkHead(bytes, url, HEAD_REMEDY);
      checkLength(bytes, name, range);
    };
    try {
      return await cachedFetch(
        { name, url, option: "weights", range },
        { ...this.#options, onBytes, optional, limit: MAX_TOWER_BYTES, check },
      );
    } catch (error) {
      const endsBefore = range.start > 0 && error instanceof UnavailableError && error.status === 416;
      if (!endsBefore) throw error;
      const start = range.start.toLocaleString("en");
      throw new Error(`${name} is truncated: it has no more than ${start} bytes: ${TRUNCATED_REMEDY}.`);
    }
  }
}

/** @implements {Reader} */
export class ChosenReader {
  #files;

  /** @param {SortedFiles} files */
  constructor(files) {
    this.#files = files;
  }

  async texts() {
    const { config, preprocessor, index } = this.#files;
    const text = (/** @type {File | null} */ file) =>
      file?.text().catch(() => Promise.reject(unreadable(file)));
    return {
      config: (await text(config)) ?? "",
      preprocessor: (await text(preprocessor)) ?? null,
      index: (await text(index)) ?? null,
    };
  }

  /** @type {Reader["part"]} */
  async part(name, { start, end }, onBytes) {
    const { weights, index } = this.#files;
    const file = index ? weights.find((each) => each.name === name) : weights[0];
    if (!file) throw new Error(`${name} of the encoder is missing: choose all its files together.`);
    const buffer = await file
      .slice(start, end)
      .arrayBuffer()
      .catch(() => Promise.reject(unreadable(file)));
    onBytes(buffer.byteLength, buffer.byteLength);
    return { bytes: new Uint8Array(buffer), notes: [] };
  }

  /** @type {Reader["decoder"]} */
  async decoder() {
    throw new Error("A frame decoder is loaded from the encoder's address: give that.");
  }

  /** @param {string} name */
  where(name) {
    return `"${name}"`;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} name of the file
 * @param {Range} range of the file that they are; a file may end within its `BEGINNING`
 * @throws {Error} with a sentence for the user if there are fewer
 */
export function checkLength(bytes, name, range) {
  const end = range.start + bytes.length;
  if (range === BEGINNING || end === range.end) return;
  throw new Error(`${name} ${truncated(end, range.end)}: ${TRUNCATED_REMEDY}.`);
}
