/**
 * Watches what is downloaded by code that tells neither progress nor every failure, such as Pyodide's loader.
 * @module
 */

/**
 * Wraps this global scope's `fetch` until `stop` is called.
 *
 * @param {(bytes: number) => void} onBytes told the bytes received so far, over all requests
 * @returns {{ failure: Promise<never>, stop: () => void }} `failure` rejects with the first file that cannot
 *   be had; `stop` puts the original `fetch` back
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

  globalThis.fetch = async (...request) => {
    const response = await original(...request).catch((error) => {
      fail(new Error(`${fileOf(request[0])} could not be fetched`));
      throw error;
    });
    if (!response.ok) fail(new Error(`${fileOf(request[0])} is missing (${response.status})`));
    // Counted on a copy: only of a response as it came does a browser keep compiled WebAssembly for next time.
    if (response.ok && watching) count(response.clone());
    return response;
  };
  return {
    failure,
    stop() {
      watching = false;
      globalThis.fetch = original;
    },
  };
}

/** @param {RequestInfo | URL} request */
function fileOf(request) {
  const url = request instanceof Request ? request.url : String(request);
  return url.split("/").at(-1);
}
