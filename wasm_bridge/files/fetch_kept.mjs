/**
 * Fetches a file through the store: the kept one while the server still has that version or cannot be
 * reached, else a download, continued where an earlier one broke off.
 *
 * The server is asked by a plain request whose body is given up when its ETag is that of the kept file. An
 * `If-None-Match` would save nothing more, and from another host it would need the host's permission.
 * @module
 */

import { isSameVersion, receive, request, UnavailableError } from "./download.mjs";
import { sha256Of } from "./file_store.mjs";

/** @import { Answer, Wanted } from "./download.mjs" */
/** @import { FileStore, Keeper, Slot } from "./file_store.mjs" */
/** @import { LoadedFile, OnBytes } from "./model_files.mjs" */

/**
 * Milliseconds that a server may be silent: `download` when the file is needed from it, `check` when it is
 * only asked whether the kept one is still right.
 * @typedef {{ download: number, check: number }} Silences
 */

/** @type {Silences} */
const SILENCES = { download: 30_000, check: 5_000 };

/** Statuses by which servers say that there is no such file; file stores say 403 for it. */
const MISSING = [403, 404, 410];

/**
 * @typedef {object} How
 * @property {FileStore | null} store
 * @property {AbortSignal} signal
 * @property {OnBytes} onBytes
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} check throws if the bytes are not the file wanted
 * @property {number} [limit] bytes that such a file has at most
 * @property {boolean} [optional] whether the file may be missing
 * @property {Silences} [silences]
 */

/**
 * @param {Wanted} wanted
 * @param {How} how
 * @returns {Promise<LoadedFile | null>} null if the file is optional and its server says that there is none
 * @throws {Error} with a sentence for the user
 * @throws the signal's reason if it is aborted
 */
export async function fetchKept(wanted, how) {
  try {
    return how.store
      ? await how.store.borrow(wanted.url, how.signal, (slot) => fetchThrough(slot, wanted, how))
      : await fetchThrough(null, wanted, how);
  } catch (error) {
    how.signal.throwIfAborted();
    if (!(how.optional && error instanceof UnavailableError && MISSING.includes(error.status))) throw error;
    how.onBytes(0, 0);
    return null;
  }
}

/**
 * @param {Slot | null} slot
 * @param {Wanted} wanted
 * @param {How} how
 * @returns {Promise<LoadedFile>}
 */
async function fetchThrough(slot, wanted, how) {
  const { signal, silences = SILENCES } = how;
  const beginning = (await slot?.readBeginning()) ?? null;
  const part = beginning && { ...beginning, bytes: beginning.bytes.length };
  const silence = slot?.whole ? silences.check : silences.download;
  let answer;
  try {
    answer = await request(wanted, { signal, part, silence });
  } catch (error) {
    if (!(slot?.whole && error instanceof UnavailableError)) throw error;
    const { host } = new URL(wanted.url);
    const reason = error.status || "no connection";
    const day = slot.whole.when.slice(0, 10);
    const note = `${host} does not give the model's files now (${reason}), so those kept on ${day} are used.`;
    return readKept(slot, wanted, how, [note]);
  }
  if (slot?.whole && answer.offset === 0 && isSameVersion(slot.whole.version, answer.version)) {
    answer.body.cancel().catch(() => {});
    return readKept(slot, wanted, how, []);
  }
  return download(slot, wanted, answer, answer.offset > 0 && beginning ? [beginning.bytes] : [], how);
}

/**
 * @param {Slot} slot
 * @param {Wanted} wanted
 * @param {How} how
 * @param {string[]} notes
 * @returns {Promise<LoadedFile>}
 */
async function readKept(slot, { name, url }, { signal, onBytes }, notes) {
  const { whole } = slot;
  const bytes = await slot.readWhole();
  signal.throwIfAborted();
  if (!whole || !bytes)
    throw new Error(
      `The kept copy of ${name} was damaged and has been deleted: load the model again to download it.`,
    );
  onBytes(bytes.length, bytes.length);
  const { sha256, version } = whole;
  return {
    bytes,
    origin: { from: "cache", where: url, bytes: bytes.length, etag: version.etag, sha256, kept: true },
    notes,
  };
}

/**
 * @param {Slot | null} slot
 * @param {Wanted} wanted
 * @param {Answer} answer
 * @param {Uint8Array<ArrayBuffer>[]} chunks what precedes the answer's body
 * @param {How} how
 * @returns {Promise<LoadedFile>}
 */
async function download(
  slot,
  wanted,
  answer,
  chunks,
  { signal, onBytes, check, limit, silences = SILENCES },
) {
  const keeping = new Keeping(slot);
  await keeping.begin(answer);
  let loaded = answer.offset;
  onBytes(loaded, answer.total);
  try {
    await receive(answer, wanted, {
      signal,
      limit,
      silence: silences.download,
      onChunk(chunk) {
        chunks.push(chunk);
        keeping.append(chunk);
        loaded += chunk.length;
        onBytes(loaded, answer.total);
      },
    });
  } finally {
    await keeping.pause();
  }
  onBytes(loaded, loaded);
  const bytes = concatenated(chunks, loaded);
  try {
    check(bytes);
  } catch (error) {
    await keeping.giveUp();
    throw error;
  }
  const sha256 = isSecureContext ? await sha256Of(bytes) : null;
  const { version } = answer;
  if (sha256) await keeping.complete({ bytes: bytes.length, sha256, version });
  const { problem } = keeping;
  return {
    bytes,
    origin: {
      from: "network",
      where: wanted.url,
      bytes: bytes.length,
      etag: version.etag,
      sha256,
      kept: slot !== null && problem === null,
    },
    notes: problem ? [`The model is not kept for the next time, because ${problem}.`] : [],
  };
}

/**
 * Keeps a download as it comes. Where that fails the download goes on, and `problem` says why.
 */
class Keeping {
  /** @type {string | null} */
  problem = null;
  #slot;
  /** @type {Keeper | null} */
  #keeper = null;

  /** @param {Slot | null} slot */
  constructor(slot) {
    this.#slot = slot;
  }

  /** @param {Answer} answer */
  async begin(answer) {
    const slot = this.#slot;
    if (!slot) return;
    try {
      this.#keeper = await slot.keep(answer);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} chunk */
  append(chunk) {
    if (this.problem !== null) return;
    try {
      this.#keeper?.append(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Closes the file; what is in it can be continued. */
  async pause() {
    try {
      this.#keeper?.close();
    } catch (error) {
      this.#fail(error);
    }
    if (this.problem !== null) await this.giveUp();
  }

  /** @param {Parameters<Slot["complete"]>[1]} facts */
  async complete(facts) {
    if (!this.#keeper || this.problem !== null) return;
    try {
      await this.#slot?.complete(this.#keeper, facts);
    } catch (error) {
      this.#fail(error);
      await this.giveUp();
    }
  }

  /** Forgets what has come so far. */
  async giveUp() {
    // Nothing depends on it: what cannot be removed now is swept away at the next download.
    await this.#slot?.dropBeginning().catch(() => {});
  }

  /** @param {unknown} error */
  #fail(error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    this.problem = full
      ? "the browser has no more room for this page: delete what it keeps, or free some disk space"
      : `the browser could not write it (${error instanceof Error ? error.message : error})`;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} chunks
 * @param {number} length of all together
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
