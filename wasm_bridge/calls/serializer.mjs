/**
 * Asynchronous tasks, one at a time.
 * @module
 */

/**
 * Runs tasks one at a time, in the order in which they are given.
 *
 * @example
 * const frames = new Serializer();
 * const first = frames.run(async () => 1);
 * const second = frames.run(async () => 2);   // starts when the first has ended, even if that failed
 */
export class Serializer {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * @template T
   * @param {() => T | Promise<T>} task
   * @returns {Promise<T>} the task's own outcome
   */
  run(task) {
    const outcome = this.#last.then(task);
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  /** Resolves when all tasks given so far have ended. */
  async idle() {
    await this.#last;
  }
}
