/**
 * Downloads of limited size, which end if the server falls silent.
 * @module
 */

import { messageOf } from "./error_text.mjs";
import { routedFetch } from "./routed_fetch.mjs";
import { STALL_MS, withTimeLimit } from "./time_limit.mjs";

/** A file is unavailable or unusable; the message is a sentence for the user. */
export class FileError extends Error {}

/**
 * Reads a response's body, however long it takes while bytes arrive.
 * @param {Response} response
 * @param {string} name of the file, for error messages
 * @param {number} limit largest size in bytes
 * @param {number} [stall] milliseconds to wait for more bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {FileError} if it is larger, or if nothing more arrives
 */
export async function readBody(response, name, limit, stall = STALL_MS) {
  const reader = response.body?.getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const chunks = [];
  let size = 0;
  try {
    while (reader) {
      const sentence = `The download of ${name} came to a halt: load the model again.`;
      const { done, value } = await withTimeLimit(reader.read(), stall, sentence).catch((error) => {
        const brokeOff = `The download of ${name} broke off: load the model again.`;
        throw new FileError(error instanceof TypeError ? brokeOff : messageOf(error));
      });
      if (done) break;
      size += value.length;
      if (size > limit)
        throw new FileError(`${name} has more than ${limit / 1e6} MB: use the files of autogaze-web export.`);
      chunks.push(value);
    }
  } finally {
    reader?.cancel().catch(() => {}); // not awaited, since an unresponsive server would not close it
  }
  const bytes = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

/**
 * Downloads data of limited size; waits for it as long as bytes arrive.
 * @param {URL} url
 * @param {{ name: string, limit: number, missing: (status: number) => string }} file its name, its largest size in
 *   bytes, and the sentence for a server that does not have it
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {FileError} with a sentence for the user
 */
export async function fetchData(url, { name, limit, missing }) {
  const stalled = new AbortController();
  const silent = `${url.host} does not answer, so ${name} could not be downloaded: load the model again.`;
  let response;
  try {
    response = await withTimeLimit(routedFetch(url, { signal: stalled.signal }), STALL_MS, silent);
  } catch (error) {
    stalled.abort();
    const noConnection = `${name} could not be downloaded from ${url.host}: check the connection, then load the model again.`;
    throw new FileError(error instanceof TypeError ? noConnection : messageOf(error));
  }
  if (!response.ok) throw new FileError(missing(response.status));
  return readBody(response, name, limit);
}
