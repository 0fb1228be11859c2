/**
 * Calls to a worker: one message there and one back, with progress and cancelling in between.
 * `serve_calls.mjs` is the worker's side. docs/build.md says why this is not a library.
 *
 * @example
 * const calls = new WorkerCalls(new URL("adder_worker.mjs", import.meta.url), {
 *   failure: "The adder could not start: reload the page.",
 *   onEvent: (event, detail) => console.log(event, detail),
 * });
 * await calls.call("add", { a: 1, b: 2 }, { signal: AbortSignal.timeout(1000) });   // 3
 * calls.terminate("The adder was closed.");
 * @module
 */

import { startWorker } from "./start_worker.mjs";

/** @import { FromWorker, Handlers, OnProgress, ToWorker } from "./call_types.mjs" */

/**
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal] cancels: the call rejects at once, with the signal's reason
 * @property {OnProgress} [onProgress]
 * @property {Transferable[]} [transfer] parts of the arguments to move instead of copying them
 *
 * @typedef {{ resolve: (value: any) => void, reject: (reason: unknown) => void, onProgress: OnProgress }} PendingCall
 */

// A worker has 100 kB of modules; one that is not there by now is waiting for a file that does not arrive.
const START_TIMEOUT_MS = 120_000;

/**
 * A worker that answers calls.
 * @template {Handlers} Calls types of the worker's handlers
 */
export class WorkerCalls {
  #worker;
  #lastId = 0;
  /** @type {Map<number, PendingCall>} */
  #pending = new Map();
  #answers = false;
  #startTimer;
  /** Why there are no more calls. @type {Error | undefined} */
  #ended;

  /**
   * @param {URL} url of the worker's module
   * @param {object} options
   * @param {string} options.failure the sentence with which calls fail if the worker cannot start, or does not in time
   * @param {(event: string, detail: any) => void} [options.onEvent] receives what the worker emits
   * @param {boolean} [options.endOnError] whether an uncaught error ends a worker that has started, too. The
   *   errors of handlers are caught and answered; others leave a call unanswered only if the worker waits for
   *   workers of its own.
   */
  constructor(url, { failure, onEvent = () => {}, endOnError = false }) {
    this.#worker = startWorker(url);
    this.#startTimer = setTimeout(() => this.terminate(failure), START_TIMEOUT_MS);
    this.#worker.onmessage = ({ data }) => this.#receive(data, onEvent);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (endOnError || !this.#answers) this.terminate(failure);
    };
  }

  /** Whether the worker has ended. */
  get ended() {
    return this.#ended !== undefined;
  }

  /**
   * @template {keyof Calls & string} Name
   * @param {Name} name
   * @param {Parameters<Calls[Name]>[0]} args
   * @param {CallOptions} [options]
   * @returns {Promise<Awaited<ReturnType<Calls[Name]>>>}
   * @throws {Error} with the sentence of the handler, or of what ended the worker
   */
  async call(name, args, { signal, onProgress = () => {}, transfer = [] } = {}) {
    this.check();
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    let cancel = () => {};
    const answer = new Promise((resolve, reject) => {
      cancel = () => {
        this.#pending.delete(id);
        this.#post({ cancel: id });
        reject(signal?.reason);
      };
      this.#post({ id, name, args }, transfer);
      this.#pending.set(id, { resolve, reject, onProgress });
    });
    signal?.addEventListener("abort", cancel);
    try {
      return await answer;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** @throws {Error} if the worker has ended */
  check() {
    if (this.#ended) throw this.#ended;
  }

  /**
   * Ends the worker at once, whatever it is doing.
   * @param {string} sentence with which pending and later calls fail
   */
  terminate(sentence) {
    if (this.#ended) return;
    this.#ended = new Error(sentence);
    clearTimeout(this.#startTimer);
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }

  /**
   * @param {FromWorker} message
   * @param {(event: string, detail: any) => void} onEvent
   */
  #receive(message, onEvent) {
    clearTimeout(this.#startTimer);
    if ("started" in message) return;
    this.#answers = true;
    if ("event" in message) {
      onEvent(message.event, message.detail);
      return;
    }
    const pending = this.#pending.get(message.id);
    if ("progress" in message) {
      pending?.onProgress(...message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if ("error" in message) pending?.reject(new Error(message.error));
    else pending?.resolve(message.value);
  }

  /**
   * @param {ToWorker} message
   * @param {Transferable[]} [transfer]
   */
  #post(message, transfer = []) {
    this.#worker.postMessage(message, transfer);
  }
}

/**
 * The memory of arrays, to be transferred.
 * @param {Iterable<ArrayBufferView>} views
 */
export function buffersOf(views) {
  return [...new Set([...views].map(({ buffer }) => /** @type {ArrayBuffer} */ (buffer)))];
}
