/**
 * Copies of consecutive frames' panels, for tests and measurements.
 * @module
 */

/** @import { RecordedFrame } from "./protocol.mjs" */

export class PanelRecorder {
  /** @type {RecordedFrame[]} */
  #frames = [];
  #missing = 0;
  #waitsForStream = false;
  #resolve = (/** @type {RecordedFrame[]} */ _frames) => {};
  #reject = (/** @type {Error} */ _error) => {};

  /**
   * Records the next frames; ends a recording under way.
   * @param {number} count
   * @param {boolean} fromStart whether to begin with the first frame of the next stream
   * @returns {Promise<RecordedFrame[]>}
   */
  record(count, fromStart) {
    this.#reject(new Error("Another recording was started."));
    this.#frames = [];
    this.#missing = count;
    this.#waitsForStream = fromStart;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** A new stream begins with the next frame. */
  streamStarts() {
    this.#waitsForStream = false;
  }

  /**
   * Adds a processed frame if it is to be recorded.
   * @param {() => Promise<RecordedFrame>} copy makes the copy
   */
  async add(copy) {
    if (this.#missing === 0 || this.#waitsForStream) return;
    const frames = this.#frames;
    frames.push(await copy());
    if (frames !== this.#frames) return; // another recording was started meanwhile
    this.#missing -= 1;
    if (this.#missing > 0) return;
    this.#resolve(this.#frames);
    this.#frames = [];
  }
}
