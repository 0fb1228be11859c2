/**
 * A worker's side of `worker_calls.mjs`: answers calls from a table of handlers and emits events.
 *
 * @example
 * const emit = serveCalls({
 *   add: ({ a, b }) => a + b,
 *   async blur({ pixels }, { signal, progress, transfer }) {
 *     for (let row = 0; row < 100; row++) {
 *       await blurRow(pixels, row);
 *       signal.throwIfAborted();
 *       progress("rows", row + 1, 100);
 *     }
 *     transfer(pixels.buffer);
 *     return pixels;
 *   },
 * });
 * emit("note", "The worker runs.");
 * @module
 */

import { messageOf } from "./error_text.mjs";
import { Serializer } from "./serializer.mjs";

/** @import { FromWorker, Handlers, ToWorker } from "./call_types.mjs" */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/**
 * Answers this worker's messages. Calls run at the same time unless they are serialized.
 *
 * @param {Handlers} handlers
 * @param {object} [options]
 * @param {Promise<Handlers>} [options.later] more handlers; their calls wait until this resolves and fail if it rejects
 * @param {boolean} [options.serialize] whether each call waits until those before it have ended
 * @param {(args: any) => void} [options.drop] called with the arguments of a call that was cancelled before its handler
 *   could run: closes what was transferred in them, which would stay in memory
 * @returns {(event: string, detail: any) => void} emits an event
 */
export function serveCalls(handlers, { later, serialize = false, drop = () => {} } = {}) {
  const serializer = new Serializer();
  /** @type {Map<number, AbortController>} */
  const running = new Map();
  const send = (/** @type {FromWorker} */ message, /** @type {Transferable[]} */ transfer = []) =>
    scope.postMessage(message, transfer);

  /**
   * @param {Extract<ToWorker, { id: number }>} call
   * @param {AbortSignal} signal
   */
  async function answer({ id, name, args }, signal) {
    try {
      const handler = handlers[name] ?? (await later)?.[name];
      if (!handler) throw new Error(`The worker has no call "${name}".`);
      if (signal.aborted) drop(args);
      signal.throwIfAborted();
      /** @type {Transferable[]} */
      const transferred = [];
      const value = await handler(args, {
        signal,
        progress: (...progress) => send({ id, progress }),
        transfer: (...objects) => transferred.push(...objects),
      });
      send({ id, value }, transferred);
    } catch (error) {
      send({ id, error: messageOf(error) });
    } finally {
      running.delete(id);
    }
  }

  scope.onmessage = ({ data }) => {
    const message = /** @type {ToWorker} */ (data);
    if ("cancel" in message) {
      running.get(message.cancel)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(message.id, controller);
    const task = () => answer(message, controller.signal);
    if (serialize) serializer.run(task);
    else task();
  };
  send({ started: true });
  return (event, detail) => send({ event, detail });
}
