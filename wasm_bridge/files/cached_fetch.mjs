/**
 * Fetches a file through the store: the stored copy while the server still has that version or cannot be
 * reached; otherwise a download, which resumes an interrupted one.
 *
 * The version is checked by a plain request, whose body is cancelled if its ETag is that of the stored file.
 * `If-None-Match` would save nothing more, and would trigger a CORS preflight for other origins.
 * @module
 */

import { isSameVersion, isWeak, receive, request, UnavailableError } from "./download.mjs";
import { sha256Of } from "./file_store.mjs";

/** @import { Answer, Version, Wanted } from "./download.mjs" */
/** @import { FileStore, FileWriter, Slot } from "./file_store.mjs" */
/** @import { OnBytes } from "./load_progress.mjs" */
/** @import { LoadedFile } from "./model_files.mjs" */

/**
 * Milliseconds to wait for a server: `download` when the file has to come from it, `check` when the request only
 * checks whether the stored file is current.
 * @typedef {{ download: number, check: number }} Timeouts
 */

/** @type {Timeouts} */
const TIMEOUTS = { download: 30_000, check: 5_000 };

/** Statuses for a file that does not exist; object stores such as S3 may answer 403. */
const MISSING = [403, 404, 410];

/**
 * @typedef {object} FetchOptions
 * @property {FileStore | null} store
 * @property {AbortSignal} signal
 * @property {OnBytes} onBytes
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} check throws if the bytes are not such a file
 * @property {number} [limit] largest size of such a file in bytes
 * @property {boolean} [optional] whether the file may be missing
 * @property {Timeouts} [timeouts]
 */

/**
 * @param {Wanted} wanted
 * @param {FetchOptions} options
 * @returns {Promise<LoadedFile | null>} null if the file is optional and does not exist on its server
 * @throws {Error} with a sentence for the user
 * @throws the signal's reason if it is aborted
 */
export async function cachedFetch(wanted, options) {
  try {
    return options.store
      ? await options.store.withLock(keyOf(wanted), options.signal, (slot) =>
          fetchIntoSlot(slot, wanted, options),
        )
      : await fetchIntoSlot(null, wanted, options);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(options.optional && error instanceof UnavailableError && MISSING.includes(error.status)))
      throw error;
    options.onBytes(0, 0);
    return null;
  }
}

/**
 * The name under which a file is stored: its address, for a part of it with the part.
 * @param {Wanted} wanted
 */
function keyOf({ url, range }) {
  return range ? `${url}#bytes=${range.start}-${range.end - 1}` : url;
}

/**
 * @param {Slot | null} slot
 * @param {Wanted} wanted
 * @param {FetchOptions} options
 * @returns {Promise<LoadedFile>}
 */
async function fetchIntoSlot(slot, wanted, options) {
  const { signal, timeouts = TIMEOUTS } = options;
  const stored = (await slot?.readPartial()) ?? null;
  const partial = stored && { ...stored, bytes: stored.bytes.length };
  const timeout = slot?.whole ? timeouts.check : timeouts.download;
  let answer;
  try {
    answer = await request(wanted, { signal, partial, timeout });
  } catch (error) {
    if (!(slot?.whole && error instanceof UnavailableError)) throw error;
    const { host } = new URL(wanted.url);
    const reason = error.status || "no connection";
    const day = slot.whole.when.slice(0, 10);
    const note = `${host} does not give the model's files now (${reason}), so those stored on ${day} are used.`;
    return readStored(slot, wanted, options, [note]);
  }
  if (slot?.whole && answer.offset === 0 && isSameVersion(slot.whole.version, answer.version)) {
    answer.body.cancel().catch(() => {});
    return readStored(slot, wanted, options, []);
  }
  return download(slot, wanted, answer, answer.offset > 0 && stored ? [stored.bytes] : [], options);
}

/**
 * @param {Slot} slot
 * @param {Wanted} wanted
 * @param {FetchOptions} options
 * @param {string[]} notes
 * @returns {Promise<LoadedFile>}
 */
async function readStored(slot, { name, url }, { signal, onBytes }, notes) {
  const { whole } = slot;
  const bytes = await slot.readWhole();
  signal.throwIfAborted();
  if (!whole || !bytes)
    throw new Error(
      `The stored copy of ${name} was damaged and has been deleted: load the model again to download it.`,
    );
  onBytes(bytes.length, bytes.length);
  const { sha256, version } = whole;
  return {
    bytes,
    origin: { from: "cache", where: url, bytes: bytes.length, etag: version.etag, sha256, stored: true },
    notes,
  };
}

/**
 * @param {Slot | null} slot
 * @param {Wanted} wanted
 * @param {Answer} answer
 * @param {Uint8Array<ArrayBuffer>[]} chunks the bytes before the response's body
 * @param {FetchOptions} options
 * @returns {Promise<LoadedFile>}
 */
async function download(slot, wanted, answer, chunks, options) {
  const { signal, onBytes, check, limit, timeouts = TIMEOUTS } = options;
  const storing = new DownloadStorer(slot);
  await storing.begin(answer);
  let loaded = answer.offset;
  try {
    onBytes(loaded, answer.total);
    await receive(answer, wanted, {
      signal,
      limit,
      timeout: timeouts.download,
      onChunk(chunk) {
        chunks.push(chunk);
        storing.append(chunk);
        loaded += chunk.length;
        onBytes(loaded, answer.total);
      },
    });
  } finally {
    await storing.pause();
  }
  onBytes(loaded, loaded);
  const bytes = concatenated(chunks, loaded);
  const { version } = answer;
  const known = knownDigest(slot, version);
  // The digest that a server gives is that of the whole file.
  const given = wanted.range ? null : digestIn(version);
  const promised = answer.offset > 0 && isSecureContext ? (given ?? known) : null;
  if (promised && promised !== (await sha256Of(bytes))) {
    // The rest belongs to other bytes than the stored beginning: started over, once, since offset is then 0.
    await storing.discard();
    const whole = await request(wanted, { signal, timeout: timeouts.download });
    return download(slot, wanted, whole, [], options);
  }
  try {
    check(bytes);
  } catch (error) {
    await storing.discard();
    throw error;
  }
  const sha256 = isSecureContext ? await sha256Of(bytes) : null;
  if (sha256) await storing.complete({ bytes: bytes.length, sha256, version });
  const { problem } = storing;
  const notes = problem ? [`The model could not be stored for next time, because ${problem}.`] : [];
  if (known && known !== sha256)
    notes.push(`${wanted.name} at ${wanted.url} has changed, although the server says that it has not.`);
  return {
    bytes,
    origin: {
      from: "network",
      where: wanted.url,
      bytes: bytes.length,
      etag: version.etag,
      sha256,
      stored: slot !== null && problem === null,
    },
    notes,
  };
}

/**
 * The file's sha256, which Hugging Face gives as the ETag of large files. A server whose ETags only look like one costs
 * a second download after an interruption, nothing more.
 * @param {Version} version
 */
function digestIn({ etag }) {
  return /^"([0-9a-f]{64})"$/.exec(etag ?? "")?.[1] ?? null;
}

/**
 * The sha256 of an earlier copy of the same version, which may have been damaged since.
 * @param {Slot | null} slot
 * @param {Version} version
 */
function knownDigest(slot, version) {
  const known = slot?.known;
  return known && !isWeak(version.etag) && isSameVersion(known.version, version) ? known.sha256 : null;
}

/**
 * Stores a download as it arrives. If that fails, the download continues and `problem` says why.
 */
class DownloadStorer {
  /** @type {string | null} */
  problem = null;
  #slot;
  /** @type {FileWriter | null} */
  #writer = null;

  /** @param {Slot | null} slot */
  constructor(slot) {
    this.#slot = slot;
  }

  /** @param {Answer} answer */
  async begin(answer) {
    const slot = this.#slot;
    if (!slot) return;
    try {
      this.#writer = await slot.openWriter(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} chunk */
  append(chunk) {
    if (this.problem !== null) return;
    try {
      this.#writer?.append(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Closes the file; the download can be resumed from it. */
  async pause() {
    try {
      this.#writer?.close();
    } catch (error) {
      this.#fail(error);
    }
    if (this.problem !== null) await this.discard();
  }

  /** @param {Parameters<Slot["complete"]>[1]} facts */
  async complete(facts) {
    if (!this.#writer || this.problem !== null) return;
    try {
      await this.#slot?.complete(this.#writer, facts);
    } catch (error) {
      this.#fail(error);
      await this.discard();
    }
  }

  /** Deletes the partial download. */
  async discard() {
    // Nothing depends on it: a file that cannot be deleted now is deleted at the next download.
    await this.#slot?.deletePartial().catch(() => {});
  }

  /** @param {unknown} error */
  #fail(error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    this.problem = full
      ? "the browser has no more room for this page: delete its stored files, or free some disk space"
      : `the browser could not write it (${error instanceof Error ? error.message : error})`;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} chunks
 * @param {number} length of all chunks together
 */
function concatenated(chunks, length) {
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
