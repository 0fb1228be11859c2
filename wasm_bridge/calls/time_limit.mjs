/**
 * Time limits: nothing waits for ever for a server, a worker or a GPU.
 * @module
 */

/** How long to wait for a server that sends nothing. */
export const STALL_MS = 30_000;

/**
 * A promise's outcome, if it comes in time.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} ms
 * @param {string} sentence of the error if it does not
 * @returns {Promise<T>}
 */
export async function withTimeLimit(promise, ms, sentence) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(sentence)), ms);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (expired)]);
  } finally {
    clearTimeout(timer);
  }
}
