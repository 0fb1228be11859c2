/**
 * Calls of functions in an `AutoGaze` object's worker: answers, progress, cancelling, the worker's end.
 * @module
 */

import { startWorker } from "../calls/start_worker.mjs";

/** @typedef {import("./protocol.mjs").Calls} Calls */
/** @typedef {import("./protocol.mjs").FromApiWorker} FromApiWorker */
/** @typedef {import("./protocol.mjs").ToApiWorker} ToApiWorker */
/** @typedef {(step: string, done: number, total: number) => void} OnProgress */

/**
 * @typedef {object} Waiting
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 * @property {OnProgress} onProgress
 */

export class WorkerCalls {
  /** Called with a sentence for the user. @type {(sentence: string) => void} */
  onNote = () => {};
  /** Called with what runs the model, when that was started again. @type {(backend: string) => void} */
  onBackend = () => {};

  #worker;
  #last = 0;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  /** @type {Error | undefined} */
  #ended;

  constructor() {
    this.#worker = startWorker(new URL("api_worker.mjs", import.meta.url));
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(new Error(`The worker of AutoGaze failed: ${event.message || "it could not be started"}.`));
    };
  }

  /**
   * @template {keyof Calls} Name
   * @param {Name} call
   * @param {Parameters<Calls[Name]>[0]} given
   * @param {object} [how]
   * @param {AbortSignal} [how.signal] cancels; the call then fails at once, with the signal's reason
   * @param {OnProgress} [how.onProgress]
   * @param {Transferable[]} [how.transfer]
   * @param {() => void} [how.onSettled] called when the worker has ended a call, a cancelled one too
   * @returns {Promise<ReturnType<Calls[Name]>>}
   */
  call(call, given, { signal, onProgress = () => {}, transfer = [], onSettled = () => {} } = {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.check();
      signal?.throwIfAborted();
      const cancel = () => {
        this.#post({ cancel: id });
        reject(signal?.reason);
      };
      const settled = () => {
        signal?.removeEventListener("abort", cancel);
        onSettled();
      };
      this.#waiting.set(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
        onProgress: (...progress) => signal?.aborted || onProgress(...progress),
      });
      signal?.addEventListener("abort", cancel);
      this.#post({ id, call, given }, transfer);
    });
  }

  /** @throws {Error} if the worker has ended */
  check() {
    if (this.#ended) throw this.#ended;
  }

  /**
   * Ends the worker, and with it all that it holds; calls under way and later ones fail.
   * @param {Error} reason
   */
  end(reason) {
    if (this.#ended) return;
    this.#ended = reason;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  /** @param {FromApiWorker} message */
  #receive(message) {
    if ("note" in message) this.onNote(message.note);
    else if ("backend" in message) this.onBackend(message.backend);
    else if ("progress" in message) this.#waiting.get(message.id)?.onProgress(...message.progress);
    else {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if ("error" in message) waiting?.reject(new Error(message.error));
      else waiting?.resolve(message.value);
    }
  }

  /**
   * @param {ToApiWorker} message
   * @param {Transferable[]} [transfer]
   */
  #post(message, transfer = []) {
    this.#worker.postMessage(message, transfer);
  }
}
