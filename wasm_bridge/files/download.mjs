/**
 * Downloads one file: with progress, to be cancelled at any moment, and from the middle on if a part of it is
 * there already. What goes wrong is told in one sentence for the user.
 *
 * A part is continued by a `Range` request without `If-Range`: from another host that header would need the
 * host's permission first, which Hugging Face's does not give, and the whole download would fail. Instead the
 * answer's own ETag, range and size must be those of the part; if not, the file is downloaded whole.
 * @module
 */

/**
 * What the sentences are about: the file's name, its address and the option that sets it.
 * @typedef {{ name: string, url: string, option: string }} Wanted
 *
 * The version of a file on its server; each is null if the server does not say it, or not to web pages.
 * @typedef {{ etag: string | null, lastModified: string | null }} Version
 *
 * The beginning of a file.
 * @typedef {{ bytes: number, total: number, version: Version }} Part
 *
 * A body about to be read. `offset` is not 0 if it continues a part; `total` is null if it is not known.
 * @typedef {{ body: ReadableStream<Uint8Array<ArrayBuffer>>, offset: number, total: number | null, version: Version }} Answer
 */

/** How long a server may be silent. */
const SILENCE_MS = 30_000;

/** The released weights have 13 MB; what is much larger is another model's and would only fill the memory. */
const MAX_BYTES = 500_000_000;

/** A server that cannot be had or does not give the file; the message is a sentence for the user. */
export class UnavailableError extends Error {
  /**
   * @param {string} message
   * @param {number} [status] the server's, 0 if there was no answer
   */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/**
 * Asks for a file.
 *
 * @param {Wanted} wanted
 * @param {object} how
 * @param {AbortSignal} how.signal
 * @param {Part | null} [how.part] what is there of it already
 * @param {number} [how.silence] milliseconds to wait for an answer
 * @returns {Promise<Answer>}
 * @throws {UnavailableError} if there is no answer, or none with the file
 * @throws the signal's reason if it is aborted
 */
export async function request(wanted, { signal, part = null, silence = SILENCE_MS }) {
  const headers = part ? { Range: `bytes=${part.bytes}-` } : undefined;
  const response = await answer(wanted, { headers, signal, silence });
  const version = versionOf(response);
  if (part) {
    if (response.status === 206 && continues(response, part)) {
      return { body: bodyOf(response), offset: part.bytes, total: part.total, version };
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      return request(wanted, { signal, silence });
    }
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new UnavailableError(refusal(wanted, response), response.status);
  }
  return { body: bodyOf(response), offset: 0, total: lengthOf(response), version };
}

/**
 * @param {Wanted} wanted
 * @param {{ headers: HeadersInit | undefined, signal: AbortSignal, silence: number }} how
 */
async function answer({ name, url }, { headers, signal, silence }) {
  signal.throwIfAborted();
  const watch = new SilenceWatch(silence);
  try {
    return await fetch(url, {
      headers,
      signal: AbortSignal.any([signal, watch.signal]),
      // We keep the file ourselves; a second copy in the browser's own cache would be a waste.
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch {
    signal.throwIfAborted();
    throw new UnavailableError(noAnswer(name, new URL(url), watch.signal.aborted));
  } finally {
    watch.stop();
  }
}

/**
 * Reads a body to its end.
 *
 * @param {Answer} answer
 * @param {Wanted} wanted
 * @param {object} how
 * @param {AbortSignal} how.signal
 * @param {(chunk: Uint8Array<ArrayBuffer>) => void} how.onChunk
 * @param {number} [how.limit] bytes that such a file has at most
 * @param {number} [how.silence] milliseconds to wait for more bytes
 * @returns {Promise<void>} when all bytes were given to `onChunk`
 * @throws {Error} with a sentence for the user if the download broke off or the file is too large
 * @throws the signal's reason if it is aborted
 */
export async function receive(answer, wanted, { signal, onChunk, limit = MAX_BYTES, silence = SILENCE_MS }) {
  const reader = answer.body.getReader();
  let received = answer.offset;
  try {
    if ((answer.total ?? 0) > limit) throw tooLarge(wanted, answer.total ?? 0, limit);
    while (true) {
      const { done, value } = await read(reader, silence, () => brokenOff(wanted, received, answer.total));
      signal.throwIfAborted();
      if (done) break;
      received += value.length;
      if (received > limit) throw tooLarge(wanted, received, limit);
      onChunk(value);
    }
    if (answer.total !== null && received < answer.total) throw brokenOff(wanted, received, answer.total);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    // Ends the connection if it is still open; not waited for, since a silent server would not end it.
    reader.cancel().catch(() => {});
  }
}

/**
 * @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader
 * @param {number} silence
 * @param {() => Error} fault what to throw if nothing more comes
 */
async function read(reader, silence, fault) {
  const watch = new SilenceWatch(silence);
  try {
    return await Promise.race([reader.read(), watch.silent]);
  } catch {
    throw fault();
  } finally {
    watch.stop();
  }
}

/** Notices that nothing happened for a time. */
class SilenceWatch {
  #silent = new AbortController();
  #timer;
  /** @param {number} silence milliseconds */
  constructor(silence) {
    this.#timer = setTimeout(() => this.#silent.abort(), silence);
  }
  get signal() {
    return this.#silent.signal;
  }
  /** Rejects when it happens. @returns {Promise<never>} */
  get silent() {
    return new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
  }
  stop() {
    clearTimeout(this.#timer);
  }
}

/**
 * Whether a part and the rest that a server sends are of one file.
 * @param {Response} response
 * @param {Part} part
 */
function continues(response, part) {
  const version = versionOf(response);
  if (isWeak(version.etag) || isWeak(part.version.etag) || !isSameVersion(part.version, version))
    return false;
  // From another host the range can be read only if the host allows it, the length always.
  const range = response.headers.get("Content-Range");
  const length = response.headers.get("Content-Length");
  if (range === null) return length !== null && part.bytes + Number(length) === part.total;
  return range.replace(/\s+/g, " ") === `bytes ${part.bytes}-${part.total - 1}/${part.total}`;
}

/**
 * Whether two answers are of the same version of a file.
 * @param {Version} one
 * @param {Version} other
 */
export function isSameVersion(one, other) {
  if (one.etag !== null || other.etag !== null) return opaqueTag(one.etag) === opaqueTag(other.etag);
  return one.lastModified !== null && one.lastModified === other.lastModified;
}

/** A weak ETag is that of a file that has the same content, though perhaps not the same bytes. */
const isWeak = (/** @type {string | null} */ etag) => etag?.startsWith("W/") ?? false;
const opaqueTag = (/** @type {string | null} */ etag) => etag?.replace(/^W\//, "");

/** @param {Response} response @returns {Version} */
function versionOf({ headers }) {
  return { etag: headers.get("ETag"), lastModified: headers.get("Last-Modified") };
}

/** @param {Response} response bytes of the body, null if unknown */
function lengthOf({ headers }) {
  const length = headers.get("Content-Length");
  // What is compressed on the way has another length when it arrives.
  return length === null || headers.has("Content-Encoding") ? null : Number(length);
}

/** @param {Response} response */
function bodyOf({ body }) {
  return body ?? new Blob().stream();
}

/**
 * @param {string} name
 * @param {URL} url
 * @param {boolean} silent
 */
function noAnswer(name, { origin, host }, silent) {
  if (silent) return `${host} does not answer, so ${name} could not be downloaded: try again later.`;
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
function brokenOff({ name }, received, total) {
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
