/**
 * The page's end of `gaze_worker.mjs`, which it starts with the first call.
 * @module
 */

/** @type {Promise<(message: object) => Promise<unknown>> | undefined} */
let started;

async function start() {
  const worker = new Worker(new URL("gaze_worker.mjs", import.meta.url), { type: "module" });
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  worker.onmessage = ({ data: { id, value, error } }) => {
    if (error === undefined) waiting.get(id)?.resolve(value);
    else waiting.get(id)?.reject(new Error(error));
  };
  let last = 0;
  /** @type {(id: number, message?: object) => Promise<unknown>} */
  const call = (id, message) =>
    new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
      if (message) worker.postMessage({ id, ...message });
    });
  await call(0); // it answers that once, when it is there
  return (/** @type {object} */ message) => {
    last += 1;
    return call(last, message);
  };
}

/**
 * What a command of the worker returns.
 * @param {string} command
 * @param {object} options
 * @param {number} seconds that it may take
 */
export async function call(command, options, seconds) {
  started ??= start();
  const ask = await started;
  const late = new Promise((_, reject) => {
    setTimeout(reject, 1000 * seconds, new Error(`${command}: too late`));
  });
  return Promise.race([ask({ command, options }), late]);
}
