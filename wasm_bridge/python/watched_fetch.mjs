/**
 * Observes the downloads of code that reports neither progress nor every failure, such as Pyodide's loader.
 * @module
 */

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

  /** @param {Response} copy */
  async function count({ body }) {
    const reader = body?.getReader();
    try {
      for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
        received += chunk.value.byteLength;
        if (watching) onBytes(received);
      }
    } catch {
      // The reader of the response itself gets the error.
    }
  }

  /** @type {typeof fetch} */
  const watched = async (...request) => {
    const response = await original(...request).catch((error) => {
      fail(new Error(`${fileOf(request[0])} could not be fetched`));
      throw error;
    });
    if (!response.ok) fail(new Error(`${fileOf(request[0])} is missing (${response.status})`));
    // Counted on a clone: browsers cache compiled WebAssembly only for the original response.
    if (response.ok && watching) count(response.clone());
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
