/**
 * Keeps the browser's GPU process awake while something is waited for.
 *
 * Chromium looks whether work on the GPU is done when it is given more to do, and else only every other
 * millisecond or so. A second device that is asked for nothing, over and over, makes it look at once. Whether
 * that helps is measured on each machine: where the CPU does the GPU's work it makes everything slower.
 * @module
 */

const SAMPLES = 5;
const SLOWEST_MS = 40;
const WORTH_IT = 0.9;

export class Poker {
  /** Median times of a run in ms, unpoked and poked, once they were measured. @type {[number, number] | undefined} */
  measured;

  /** @type {GPUDevice | undefined} */
  #device;

  /**
   * Finds out whether poking helps, and pokes from now on if it does.
   * @param {() => Promise<unknown>} run a run as all others will be
   */
  async measure(run) {
    const unpoked = await medianTime(run);
    if (unpoked > SLOWEST_MS) return;
    this.#device = await (await navigator.gpu.requestAdapter())?.requestDevice();
    if (!this.#device) return;
    this.measured = [unpoked, await medianTime(run)];
    if (this.measured[1] > WORTH_IT * unpoked) this.close();
  }

  /**
   * Waits, poking if that helps.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async wait(promise) {
    let waiting = this.#device !== undefined;
    const done = promise.finally(() => {
      waiting = false;
    });
    while (waiting && this.#device) {
      this.#device.pushErrorScope("validation");
      await this.#device.popErrorScope().catch(() => this.close());
    }
    return done;
  }

  close() {
    this.#device?.destroy();
    this.#device = undefined;
  }
}

/**
 * @param {() => Promise<unknown>} run
 * @returns {Promise<number>} in milliseconds
 */
async function medianTime(run) {
  const times = [];
  for (let i = 0; i < SAMPLES; i++) {
    const begun = performance.now();
    await run();
    const time = performance.now() - begun;
    if (time > SLOWEST_MS) return time;
    times.push(time);
  }
  return times.sort((a, b) => a - b)[SAMPLES >> 1] ?? 0;
}
