/**
 * Waits for a graphics card that may be lost, after which an answer might never come.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";

export class DeviceLoss {
  /** What rejects the answers that are awaited. @type {Set<(error: Error) => void>} */
  #waiting = new Set();
  /** @type {Error | undefined} */
  #error;
  /** Of the last work that failed. @type {unknown} */
  #failed;

  /** @param {Promise<{ message: string }>} lost `GPUDevice.lost` */
  constructor(lost) {
    // Once for all answers: a promise that lives as long as the device keeps every reaction to it, and with a race's
    // reaction the race's result, until then.
    lost.then(({ message }) => {
      this.#error = new Error(`The GPU was lost: ${message}`);
      for (const reject of this.#waiting) reject(this.#error);
      this.#waiting.clear();
    });
  }

  /** Whether the device is known to be lost. */
  get happened() {
    return this.#error !== undefined;
  }

  /** Why the device cannot be worked with: it was lost, or some work failed; undefined if it can. @type {unknown} */
  get failure() {
    return this.#error ?? this.#failed;
  }

  /** How many answers are awaited. */
  get awaited() {
    return this.#waiting.size;
  }

  /**
   * What the work resolves to. It is rejected if the device is or gets lost, whatever the work says: what only
   * submits commands cannot know.
   * @template T
   * @param {Promise<T>} work
   * @returns {Promise<T>}
   */
  until(work) {
    return new Promise((resolve, reject) => {
      if (this.#error) reject(this.#error);
      else this.#waiting.add(reject);
      const fail = (/** @type {unknown} */ error) => {
        this.#failed = error;
        reject(error);
      };
      work.then(resolve, fail).finally(() => this.#waiting.delete(reject));
    });
  }
}

/**
 * A sentence for the user.
 * @param {unknown} error why
 */
export function unusable(error) {
  const reason = messageOf(error).replace(/\.$/, "");
  return `The graphics card could not be used (${reason}), so the processor does the pixel work.`;
}
