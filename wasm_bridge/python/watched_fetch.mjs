/**
 * Observes the downloads of code that reports neither progress nor every failure, such as Pyodide's loader.
 * @module
 */

import { STALL_MS, withTimeLimit } from "../calls/time_limit.mjs";

/**
 * Wraps this global scope's `fetch` until `stop` is called.
 *
 * @param {(bytes: number) => void} onBytes called with the bytes received by all requests together
 * @returns {{ failure: Promise<never>, ahead: (url: string, init?: RequestInit) => void, stop: () => void }}
 *   `failure` rejects when the first file is unavailable; `ahead` prefetches a file for the next request of
 *   its address; `stop` restores the original `fetch`
 */
export function watchFetch(onBytes) {
  const original = globalThis.fetch;
  let received = 0;
  let watching = true;
  /** @type {(reason: Error) => void} */
  let fail = () => {};
  /** @type {Promise<never>} */
  const failure = new Promise((_, reject) => {
    fail = reject;
  });
  // Callers need not handle a failure that they do not await.
  failure.catch(() => {});

  /**
   * @param {Response} copy
   * @param {string | undefined} name of the file
   */
  async function count({ body }, name) {
    const reader = body?.getReader();
    const sentence = `${name} came to a halt`;
    try {
      while (reader) {
        const { value } = await withTimeLimit(reader.read(), STALL_MS, sentence);
        if (!value) return;
        received += value.byteLength;
        if (watching) onBytes(received);
      }
    } catch (error) {
      // The reader of the response itself gets all other errors.
      if (error instanceof Error && error.message === sentence) fail(error);
    }
  }

  /** @type {typeof fetch} */
  const watched = async (...request) => {
    const silent = `${fileOf(request[0])} did not arrive`;
    const response = await withTimeLimit(original(...request), STALL_MS, silent).catch((error) => {
      const stalled = error instanceof Error && error.message === silent;
      fail(stalled ? error : new Error(`${fileOf(request[0])} could not be fetched`));
      throw error;
    });
    if (!response.ok) fail(new Error(`${fileOf(request[0])} is missing (${response.status})`));
    // Counted on a clone: browsers cache compiled WebAssembly only for the original response.
    if (response.ok && watching) count(response.clone(), fileOf(request[0]));
    return response;
  };
  /** @type {Map<string, Promise<Response>>} */
  const prefetched = new Map();
  globalThis.fetch = (...request) => {
    const url = addressOf(request[0]);
    const response = prefetched.get(url) ?? watched(...request);
    prefetched.delete(url);
    return response;
  };
  return {
    failure,
    ahead(url, init) {
      const response = watched(url, init);
      response.catch(() => {}); // reported by `failure`
      prefetched.set(url, response);
    },
    stop() {
      watching = false;
      globalThis.fetch = original;
    },
  };
}

/** @param {RequestInfo | URL} request */
function fileOf(request) {
  return addressOf(request).split("/").at(-1);
}

/** @param {RequestInfo | URL} request */
function addressOf(request) {
  return request instanceof Request ? request.url : String(request);
}
