/**
 * A model's files at their addresses, fetched through the store.
 * @module
 */

import { cachedFetch } from "./cached_fetch.mjs";
import { MAX_BYTES, UnavailableError } from "./download.mjs";
import { checkFile, textOf } from "./file_checks.mjs";
import { MAX_JSON_BYTES, MODEL_FILES } from "./model_source.mjs";
import { readIndex, shardUrl } from "./shard_index.mjs";

/** @import { FetchOptions, Timeouts } from "./cached_fetch.mjs" */
/** @import { FileStore } from "./file_store.mjs" */
/** @import { LoadProgress, OnBytes } from "./load_progress.mjs" */
/** @import { LoadedFile, LoadedWeights } from "./model_files.mjs" */
/** @import { ModelUrls, Role } from "./model_source.mjs" */

/** Browsers open six connections to a host; a request that waits for one must not run into the timeout. */
const SHARDS_AT_ONCE = 3;

export class RemoteFiles {
  #urls;
  #options;

  /**
   * @param {ModelUrls} urls
   * @param {{ store: FileStore | null, signal: AbortSignal, timeouts: Timeouts | undefined }} options
   */
  constructor(urls, options) {
    this.#urls = urls;
    this.#options = options;
  }

  /**
   * @param {"config" | "preprocessor"} role
   * @param {OnBytes} onBytes
   * @returns {Promise<LoadedFile | null>} null if there is no preprocessor_config.json
   * @throws {Error} with a sentence for the user
   */
  load(role, onBytes) {
    return this.#fetch(role, this.#urls[role], { onBytes, optional: role === "preprocessor" });
  }

  /**
   * Loads the weights from the address of `model.safetensors`, of the index of its shards, or of the folder of either.
   * @param {LoadProgress} progress
   * @returns {Promise<LoadedWeights>}
   * @throws {Error} with a sentence for the user
   */
  async loadWeights(progress) {
    const url = this.#urls.weights;
    const { pathname } = new URL(url);
    // Registered before the first request, so that the total is unknown until it includes the weights.
    const onBytes = progress.file("weights");
    if (pathname.endsWith("/")) return this.#loadFolder(url, progress, onBytes);
    if (pathname.endsWith(".json")) {
      const index = await this.#require("index", url, { onBytes: () => {} });
      return this.#loadShards(index, url, progress, onBytes);
    }
    return oneFile(await this.#require("weights", url, { onBytes }));
  }

  /**
   * Loads the index whose address is that of the weights.
   * @throws {Error} with a sentence for the user
   */
  index() {
    return this.#require("index", this.#urls.weights, { onBytes: () => {} });
  }

  /**
   * As natively, the whole file is preferred to shards.
   * @param {string} folder
   * @param {LoadProgress} progress
   * @param {OnBytes} onBytes
   * @returns {Promise<LoadedWeights>}
   */
  async #loadFolder(folder, progress, onBytes) {
    const wholeUrl = new URL(MODEL_FILES.weights.name, folder).href;
    const indexUrl = new URL(MODEL_FILES.index.name, folder).href;
    const whole = await this.#attempt("weights", wholeUrl, (loaded, total) => {
      if (total !== 0) onBytes(loaded, total); // 0 if there is no such file: the shards are still to come
    });
    if (whole && !(whole instanceof Error)) return oneFile(whole);
    const index = await this.#attempt("index", indexUrl, () => {});
    if (index && !(index instanceof Error)) return this.#loadShards(index, indexUrl, progress, onBytes);
    throw whole ?? index ?? new Error(noWeightsAt(folder));
  }

  /**
   * @param {LoadedFile} index
   * @param {string} url of the index
   * @param {LoadProgress} progress
   * @param {OnBytes} onIndexBytes
   * @returns {Promise<LoadedWeights>}
   */
  async #loadShards(index, url, progress, onIndexBytes) {
    const { names, tensorBytes } = readIndex(textOf(index.bytes), url);
    const expected = tensorBytes === null ? null : Math.ceil(tensorBytes / names.length);
    const counters = new Map(names.map((name) => [name, progress.file(`shard ${name}`, expected)]));
    const { length } = index.bytes;
    onIndexBytes(length, length);
    /** @type {Map<string, number>} */
    const sizes = new Map();
    const shards = await mapLimited(names, SHARDS_AT_ONCE, async (name) => ({
      name,
      file: await this.#require("weights", shardUrl(name, url), {
        name,
        remedy: `check the folder of the index that is given as ${MODEL_FILES.index.option}`,
        onBytes(loaded, total) {
          sizes.set(name, total ?? loaded);
          if ([...sizes.values()].reduce((sum, size) => sum + size, 0) > MAX_BYTES)
            throw new Error(
              `The shards that ${url} names have more than ${MAX_BYTES / 1e6} MB, which the weights of AutoGaze never have: check ${MODEL_FILES.index.option}.`,
            );
          counters.get(name)?.(loaded, total);
        },
      }),
    }));
    return { index, shards };
  }

  /**
   * @param {Role} role
   * @param {string} url
   * @param {{ onBytes: OnBytes, name?: string, remedy?: string, optional?: boolean }} options
   * @returns {Promise<LoadedFile | null>} null if the file is optional and does not exist
   */
  #fetch(role, url, { onBytes, name = MODEL_FILES[role].name, remedy, optional = false }) {
    const { option } = MODEL_FILES[role];
    const seemsPage = url.includes("/blob/") ? `, on huggingface.co with "resolve" in place of "blob"` : "";
    return cachedFetch(
      { name, url, option },
      {
        ...this.#options,
        onBytes,
        optional,
        limit: role === "weights" ? undefined : MAX_JSON_BYTES,
        check(bytes) {
          checkFile(
            role,
            bytes,
            url,
            remedy ?? `give the address of the ${name} itself as ${option}${seemsPage}`,
          );
          if (role === "index") readIndex(textOf(bytes), url);
        },
      },
    );
  }

  /**
   * @param {Role} role
   * @param {string} url
   * @param {{ onBytes: OnBytes, name?: string, remedy?: string }} options
   */
  async #require(role, url, options) {
    return /** @type {LoadedFile} */ (await this.#fetch(role, url, options));
  }

  /**
   * @param {Role} role
   * @param {string} url
   * @param {OnBytes} onBytes
   * @returns {Promise<LoadedFile | UnavailableError | null>} the error if the server cannot be reached
   */
  async #attempt(role, url, onBytes) {
    try {
      return await this.#fetch(role, url, { onBytes, optional: true });
    } catch (error) {
      if (error instanceof UnavailableError) return error;
      throw error;
    }
  }
}

/**
 * @param {string} folder
 * @returns {string} that it has neither the weights in one file nor an index of shards
 */
export function noWeightsAt(folder) {
  const { weights, index } = MODEL_FILES;
  return `There is neither ${weights.name} nor ${index.name} at ${folder}: check ${weights.option}.`;
}

/**
 * @param {LoadedFile} file
 * @returns {LoadedWeights}
 */
function oneFile(file) {
  return { index: null, shards: [{ name: MODEL_FILES.weights.name, file }] };
}

/**
 * Runs a task for each item, a few at a time.
 * @template T, R
 * @param {T[]} items
 * @param {number} limit
 * @param {(item: T) => Promise<R>} task
 * @returns {Promise<R[]>} the results in the order of the items
 */
async function mapLimited(items, limit, task) {
  /** @type {R[]} */
  const results = [];
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (const [position, item] of queue) results[position] = await task(item);
    }),
  );
  return results;
}
