/**
 * Downloads one file, with progress and cancellation, and resumes a partial download. Errors are one sentence
 * for the user.
 *
 * A partial download is resumed by a `Range` request without `If-Range`: that header would trigger a CORS
 * preflight, which Hugging Face rejects, so the whole download would fail. Instead, the response's ETag, range
 * and size must match the partial download; otherwise the file is downloaded from the start.
 * @module
 */

import { routedFetch } from "../calls/routed_fetch.mjs";

/**
 * The file to download, as error messages describe it: its name, its address and the option that sets it; of a part of
 * it its first byte and its end, which may lie behind that of the file.
 * @typedef {{ name: string, url: string, option: string, range?: Range }} Wanted
 * @typedef {{ start: number, end: number }} Range
 *
 * The version of a file on its server; a header is null if the server does not send it or does not expose it
 * to web pages.
 * @typedef {{ etag: string | null, lastModified: string | null }} Version
 *
 * The first `bytes` bytes of a file, or of a part of one, of `total` bytes.
 * @typedef {{ bytes: number, total: number, version: Version }} PartialDownload
 *
 * A body to be read. `offset` is not 0 if it resumes a partial download; `total` is null if it is unknown.
 * @typedef {{ body: ReadableStream<Uint8Array<ArrayBuffer>>, offset: number, total: number | null, version: Version }} Answer
 */

/** How long to wait for a server to send something. */
const TIMEOUT_MS = 30_000;

/** The released weights have 13 MB; a much larger file belongs to another model and would only fill memory. */
export const MAX_BYTES = 500_000_000;

/** The server is unavailable or does not serve the file; the message is a sentence for the user. */
export class UnavailableError extends Error {
  /**
   * @param {string} message
   * @param {number} [status] the server's, 0 if there was no response
   */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/**
 * Requests a file.
 *
 * @param {Wanted} wanted
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {PartialDownload | null} [options.partial] the partial download to resume
 * @param {number} [options.timeout] milliseconds to wait for a response
 * @returns {Promise<Answer>}
 * @throws {UnavailableError} if there is no response, or none with the file
 * @throws the signal's reason if it is aborted
 */
export async function request(wanted, { signal, partial = null, timeout = TIMEOUT_MS }) {
  const { range } = wanted;
  const first = (range?.start ?? 0) + (partial?.bytes ?? 0);
  const headers = partial || range ? { Range: `bytes=${first}-${range ? range.end - 1 : ""}` } : undefined;
  const response = await answer(wanted, { headers, signal, timeout });
  const version = versionOf(response);
  if (partial) {
    if (response.status === 206 && canResume(response, partial, range)) {
      return { body: bodyOf(response), offset: partial.bytes, total: partial.total, version };
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      return request(wanted, { signal, timeout });
    }
  }
  if (range && response.status === 206 && isFrom(response, range.start))
    return { body: bodyOf(response), offset: 0, total: lengthOf(response), version };
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new UnavailableError(refusal(wanted, response), response.status);
  }
  return range
    ? { body: cut(bodyOf(response), range), offset: 0, total: lengthIn(range, lengthOf(response)), version }
    : { body: bodyOf(response), offset: 0, total: lengthOf(response), version };
}

/**
 * Whether a part of a file begins where it was asked to. Content-Range of another origin is readable only if that
 * origin exposes it.
 * @param {Response} response
 * @param {number} start
 */
function isFrom({ headers }, start) {
  const range = headers.get("Content-Range");
  return range === null || Number(/^bytes\s+(\d+)-/.exec(range)?.[1]) === start;
}

/**
 * Bytes of a part of a file that has so many.
 * @param {Range} range
 * @param {number | null} length
 */
function lengthIn({ start, end }, length) {
  return length === null ? null : Math.max(0, Math.min(end, length) - start);
}

/**
 * A part of what a server sends that does not know of parts. The connection ends where the part does.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @param {Range} range
 */
function cut(body, { start, end }) {
  let position = 0;
  return body.pipeThrough(
    new TransformStream({
      transform(/** @type {Uint8Array<ArrayBuffer>} */ chunk, controller) {
        const part = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position));
        if (part.length > 0) controller.enqueue(part);
        position += chunk.length;
        if (position >= end) controller.terminate();
      },
    }),
  );
}

/**
 * @param {Wanted} wanted
 * @param {{ headers: Record<string, string> | undefined, signal: AbortSignal, timeout: number }} options
 */
async function answer({ name, url }, { headers, signal, timeout }) {
  signal.throwIfAborted();
  const idle = new IdleTimer(timeout);
  try {
    return await routedFetch(url, {
      headers,
      signal: AbortSignal.any([signal, idle.signal]),
      // The file goes to our own store; a second copy in the browser's HTTP cache would waste space.
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch {
    signal.throwIfAborted();
    throw new UnavailableError(noAnswer(name, new URL(url), idle.signal.aborted));
  } finally {
    idle.stop();
  }
}

/**
 * Reads a body to its end.
 *
 * @param {Answer} answer
 * @param {Wanted} wanted
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(chunk: Uint8Array<ArrayBuffer>) => void} options.onChunk
 * @param {number} [options.limit] largest size of such a file in bytes
 * @param {number} [options.timeout] milliseconds to wait for more bytes
 * @returns {Promise<void>} when all bytes have been passed to `onChunk`
 * @throws {Error} with a sentence for the user if the download was interrupted or the file is too large
 * @throws the signal's reason if it is aborted
 */
export async function receive(answer, wanted, { signal, onChunk, limit = MAX_BYTES, timeout = TIMEOUT_MS }) {
  const reader = answer.body.getReader();
  let received = answer.offset;
  try {
    if ((answer.total ?? 0) > limit) throw tooLarge(wanted, answer.total ?? 0, limit);
    while (true) {
      const { done, value } = await read(reader, timeout, () => interrupted(wanted, received, answer.total));
      signal.throwIfAborted();
      if (done) break;
      received += value.length;
      if (received > limit) throw tooLarge(wanted, received, limit);
      onChunk(value);
    }
    if (answer.total !== null && received < answer.total) throw interrupted(wanted, received, answer.total);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    // Closes the connection if it is still open; not awaited, since an unresponsive server would not close it.
    reader.cancel().catch(() => {});
  }
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader
 * @param {number} timeout
 * @param {() => Error} fault makes the error to throw if nothing more arrives
 */
async function read(reader, timeout, fault) {
  const idle = new IdleTimer(timeout);
  try {
    return await Promise.race([reader.read(), idle.expired]);
  } catch {
    throw fault();
  } finally {
    idle.stop();
  }
}

/** Aborts `signal` after a time without data. */
class IdleTimer {
  #expired = new AbortController();
  #timer;
  /** @param {number} timeout in milliseconds */
  constructor(timeout) {
    this.#timer = setTimeout(() => this.#expired.abort(), timeout);
  }
  get signal() {
    return this.#expired.signal;
  }
  /** Rejects when the time is over. @returns {Promise<never>} */
  get expired() {
    return new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
  }
  stop() {
    clearTimeout(this.#timer);
  }
}

/**
 * Whether the server sends the rest of the same version of a partially downloaded file.
 * @param {Response} response
 * @param {PartialDownload} partial
 * @param {Range} [part] of the file that is downloaded
 */
function canResume(response, partial, part) {
  const version = versionOf(response);
  if (isWeak(version.etag) || isWeak(partial.version.etag) || !isSameVersion(partial.version, version))
    return false;
  // Content-Range of another origin is readable only if that origin exposes it; Content-Length always is.
  const range = response.headers.get("Content-Range");
  const length = response.headers.get("Content-Length");
  if (range === null) return length !== null && partial.bytes + Number(length) === partial.total;
  const start = part?.start ?? 0;
  const wanted = `bytes ${start + partial.bytes}-${start + partial.total - 1}/`;
  const given = range.replace(/\s+/g, " ");
  return part ? given.startsWith(wanted) : given === `${wanted}${partial.total}`;
}

/**
 * Whether two responses carry the same version of a file.
 * @param {Version} one
 * @param {Version} other
 */
export function isSameVersion(one, other) {
  if (one.etag !== null || other.etag !== null) return opaqueTag(one.etag) === opaqueTag(other.etag);
  return one.lastModified !== null && one.lastModified === other.lastModified;
}

/** A weak ETag promises equivalent content, but not identical bytes. @param {string | null} etag */
export function isWeak(etag) {
  return etag?.startsWith("W/") ?? false;
}

const opaqueTag = (/** @type {string | null} */ etag) => etag?.replace(/^W\//, "");

/** @param {Response} response @returns {Version} */
function versionOf({ headers }) {
  return { etag: headers.get("ETag"), lastModified: headers.get("Last-Modified") };
}

/** @param {Response} response @returns {number | null} bytes of the body, null if unknown */
function lengthOf({ headers }) {
  const length = headers.get("Content-Length");
  // Content-Length of a compressed body is not the length of the decoded bytes.
  return length === null || headers.has("Content-Encoding") ? null : Number(length);
}

/** @param {Response} response */
function bodyOf({ body }) {
  return body ?? new Blob().stream();
}

/**
 * @param {string} name
 * @param {URL} url
 * @param {boolean} timedOut
 */
function noAnswer(name, { origin, host }, timedOut) {
  if (timedOut) return `${host} does not answer, so ${name} could not be downloaded: try again later.`;
  const dropInstead = `download the model's files yourself and drop them on the page`;
  if (!navigator.onLine)
    return `There is no network, so ${name} could not be downloaded: connect and try again, or drop the model's files on the page.`;
  if (origin === location.origin)
    return `${host} cannot be reached, so ${name} could not be downloaded: check the connection and try again.`;
  return `${name} could not be downloaded: either ${host} cannot be reached, or it does not allow other web pages to read the file (CORS). Check the connection and the address, or ${dropInstead}.`;
}

/**
 * @param {Wanted} wanted
 * @param {Response} response
 */
function refusal({ name, url, option }, { status }) {
  const { host } = new URL(url);
  if (status === 404 || status === 410) return `There is no ${name} at ${url} (${status}): check ${option}.`;
  if (status === 401 || status === 403)
    return `${host} does not give ${name} to everyone (${status}): the model is private, asks for consent first or does not exist. Download its files where you are logged in and drop them on the page, or check ${option}.`;
  if (status === 429)
    return `${host} limits how much is downloaded (429): wait some minutes, then load ${name} again.`;
  if (status >= 500) return `${host} failed to send ${name} (${status}): try again later.`;
  return `${host} answered with status ${status} instead of ${name}: check ${option}.`;
}

/**
 * @param {Wanted} wanted
 * @param {number} received
 * @param {number | null} total
 */
function interrupted({ name }, received, total) {
  const of = total === null ? "" : ` of ${megabytes(total)}`;
  return new Error(
    `The download of ${name} broke off after ${megabytes(received)}${of} MB: load the model again, which goes on from there where it can.`,
  );
}

/**
 * @param {Wanted} wanted
 * @param {number} bytes
 * @param {number} limit
 */
function tooLarge({ name, url, option }, bytes, limit) {
  return new Error(
    `${url} has more than ${megabytes(bytes)} MB, but a ${name} of AutoGaze has at most ${megabytes(limit)}: check ${option}.`,
  );
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
