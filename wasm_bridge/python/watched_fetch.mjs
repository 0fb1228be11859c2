/**
 * Watches what is downloaded by code that tells neither progress nor every failure, such as Pyodide's loader.
 * @module
 */

/**
 * Wraps this global scope's `fetch` until `stop` is called.
 *
 * @param {(bytes: number) => void} onBytes told the bytes received so far, over all requests
 * @returns {{ failure: Promise<never>, ahead: (url: string, init?: RequestInit) => void, stop: () => void }}
 *   `failure` rejects with the first file that cannot be had; `ahead` begins to fetch what somebody will ask
 *   for later, once; `stop` puts the original `fetch` back
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
  // Whoever stops watching before anything failed does not have to handle it.
  failure.catch(() => {});

  /** @param {Response} copy */
  async function count({ body }) {
    const reader = body?.getReader();
    try {
      for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
        received += part.value.byteLength;
        if (watching) onBytes(received);
      }
    } catch {
      // Whoever reads the response itself is told.
    }
  }

  /** @type {typeof fetch} */
  const watched = async (...request) => {
    const response = await original(...request).catch((error) => {
      fail(new Error(`${fileOf(request[0])} could not be fetched`));
      throw error;
    });
    if (!response.ok) fail(new Error(`${fileOf(request[0])} is missing (${response.status})`));
    // Counted on a copy: only of a response as it came does a browser keep compiled WebAssembly for next time.
    if (response.ok && watching) count(response.clone());
    return response;
  };
  /** @type {Map<string, Promise<Response>>} */
  const begun = new Map();
  globalThis.fetch = (...request) => {
    const url = addressOf(request[0]);
    const response = begun.get(url) ?? watched(...request);
    begun.delete(url);
    return response;
  };
  return {
    failure,
    ahead(url, init) {
      const response = watched(url, init);
      response.catch(() => {}); // told by `failure`
      begun.set(url, response);
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
