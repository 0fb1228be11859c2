/**
 * Waits for a graphics card that may be lost, after which an answer might never come.
 * @module
 */

export class DeviceLoss {
  /** What rejects the answers that are awaited. @type {Set<(error: Error) => void>} */
  #waiting = new Set();
  /** @type {Error | undefined} */
  #error;

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
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }
}
