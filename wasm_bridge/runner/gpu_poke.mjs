/**
 * Keeps the browser's GPU process awake while a result is awaited.
 *
 * Chromium checks for completed GPU work when it receives new commands, and otherwise only every other
 * millisecond or so. Empty requests to a second device ("pokes") make it check at once. Whether that helps is
 * measured on each machine: with a software adapter it makes everything slower.
 * @module
 */

const SAMPLES = 5;
const SLOWEST_MS = 40;
const WORTH_IT = 0.9;

export class Poker {
  /** Median times of a run in ms, without and with poking, if both were measured. @type {[number, number] | undefined} */
  measured;

  /** Whether it is known if poking helps here. */
  decided = false;

  /** @type {GPUDevice | undefined} */
  #device;

  /**
   * Measures whether poking helps, and enables it if it does.
   * @param {() => Promise<unknown>} run a typical run
   */
  async measure(run) {
    this.decided = true;
    const unpoked = await medianTime(run);
    if (unpoked > SLOWEST_MS) return;
    this.#device = await (await navigator.gpu.requestAdapter())?.requestDevice();
    if (!this.#device) return;
    this.measured = [unpoked, await medianTime(run)];
    if (this.measured[1] > WORTH_IT * unpoked) this.close();
  }

  /**
   * Awaits a promise, poking if that is enabled.
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
    const started = performance.now();
    await run();
    const time = performance.now() - started;
    if (time > SLOWEST_MS) return time;
    times.push(time);
  }
  return times.sort((a, b) => a - b)[SAMPLES >> 1] ?? 0;
}
