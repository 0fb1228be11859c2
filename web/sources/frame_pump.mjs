/**
 * Newest frame wins: carries frames from a source to the live view, one at a time and never a queue.
 * @module
 */

/** @typedef {import("../../wasm_bridge/autogaze.mjs").Frame} Frame */

export class FramePump {
  /** Frames that a newer one replaced before they could be worked on. */
  replaced = 0;

  #capture;
  #send;
  #onFault;
  #busy = false;
  #waiting = false;
  #running = true;
  #captured = 0;

  /**
   * @param {() => Promise<Frame | null>} capture the source's present frame, null if it has none
   * @param {(frame: Frame) => void} send gives a frame away; `done` must be called when it is worked on
   * @param {(sentence: string) => void} onFault a frame could not be captured
   */
  constructor(capture, send, onFault) {
    this.#capture = capture;
    this.#send = send;
    this.#onFault = onFault;
  }

  /** Milliseconds since the frame in work was captured. */
  get milliseconds() {
    return performance.now() - this.#captured;
  }

  /** The source has a new frame: captured now if nothing is in work, else as soon as that is done. */
  offer() {
    if (!this.#running) return;
    if (!this.#busy) this.#next();
    else if (this.#waiting) this.replaced += 1;
    else this.#waiting = true;
  }

  /** The frame that was sent has been worked on. */
  done() {
    this.#busy = false;
    if (this.#waiting) this.#next();
  }

  /** Ends the pump: nothing is captured or sent any more. */
  stop() {
    this.#running = false;
  }

  async #next() {
    this.#busy = true;
    this.#waiting = false;
    /** @type {Frame | null} */
    let frame = null;
    this.#captured = performance.now();
    try {
      frame = await this.#capture();
    } catch (error) {
      if (!this.#running) return;
      this.#onFault(
        `The source's picture could not be read (${error instanceof Error ? error.message : error}).`,
      );
    }
    if (!frame) this.#busy = false;
    else if (this.#running) this.#send(frame);
    else if ("image" in frame) frame.image.close();
  }
}
