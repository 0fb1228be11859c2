/**
 * Newest frame wins: carries frames from a source to the live view, one at a time, without a queue.
 * @module
 */

/** @import { Frame } from "../../wasm_bridge/autogaze.mjs" */

// A video that was just opened may have no readable picture yet: a capture that fails is tried again before long,
// and only a source that fails for as long as this is reported.
const RETRY_MS = 100;
const FAILING_MS = 2000;

export class FramePump {
  /** Frames replaced by newer ones before they could be processed. */
  replaced = 0;
  /** Milliseconds from the capture of the last finished frame to its end. */
  latency = 0;

  #capture;
  #send;
  #onError;
  #busy = false;
  #waiting = false;
  #running = true;
  #capturedAt = 0;
  /** When the first of the present run of failed captures started. @type {number | undefined} */
  #failingSince;
  #reported = false;

  /**
   * @param {() => Promise<Frame | null>} capture the source's current frame, null if it has none
   * @param {(frame: Frame) => void} send hands a frame over; `done` must be called once it is finished
   * @param {(sentence: string) => void} onError called once if captures fail for two seconds
   */
  constructor(capture, send, onError) {
    this.#capture = capture;
    this.#send = send;
    this.#onError = onError;
  }

  /** The source has a new frame: captured now if none is in progress, else as soon as that one is finished. */
  offer() {
    if (!this.#running) return;
    if (!this.#busy) this.#next();
    else if (this.#waiting) this.replaced += 1;
    else this.#waiting = true;
  }

  /** The frame that was sent is finished. */
  done() {
    this.latency = performance.now() - this.#capturedAt;
    this.#busy = false;
    if (this.#waiting) this.#next();
  }

  /** Nothing is captured or sent any more. */
  stop() {
    this.#running = false;
  }

  async #next() {
    this.#busy = true;
    this.#waiting = false;
    /** @type {Frame | null} */
    let frame = null;
    this.#capturedAt = performance.now();
    try {
      frame = await this.#capture();
      this.#failingSince = undefined;
    } catch (error) {
      this.#failed(error);
    }
    if (!frame) {
      this.#busy = false;
      if (this.#waiting && this.#running) this.#next();
    } else if (this.#running) this.#send(frame);
    else if ("image" in frame) frame.image.close();
  }
  /** @param {unknown} error of a capture */
  #failed(error) {
    if (!this.#running) return;
    this.#failingSince ??= this.#capturedAt;
    if (!this.#reported && performance.now() - this.#failingSince >= FAILING_MS) {
      this.#reported = true;
      const reason = error instanceof Error ? error.message : error;
      this.#onError(`The source's picture could not be read (${reason}).`);
    }
    // A paused video announces no further picture.
    setTimeout(() => this.offer(), RETRY_MS);
  }
}
