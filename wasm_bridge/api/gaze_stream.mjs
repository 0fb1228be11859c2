/**
 * A stream of frames, one at a time.
 * @module
 */

import { Serializer } from "../calls/serializer.mjs";
import { frameOf } from "./frame_input.mjs";
import { FrameResult } from "./results.mjs";

/** @import { WorkerCalls } from "../calls/worker_calls.mjs" */
/** @import { FrameInput } from "./frame_input.mjs" */
/** @import { ApiCalls } from "./protocol.mjs" */

/**
 * @typedef {object} StreamOptions
 * @property {number} [width] that frames are scaled to; by default their own
 * @property {number} [height]
 * @property {boolean} [panels] whether the results have input, mask and output; true by default
 */

/**
 * A live stream, made by `AutoGaze.stream()`. The model sees each frame together with the frames before it, up
 * to the number that it was trained on; a change of the frames' size restarts the output with a keyframe.
 */
export class GazeStream {
  #calls;
  #options;
  #onClose;
  #closed = false;
  /** Keeps frames in order: one picture can take longer to read than the next. */
  #serializer = new Serializer();

  /**
   * @param {WorkerCalls<ApiCalls>} calls
   * @param {StreamOptions} options
   * @param {() => void} onClose
   */
  constructor(calls, options, onClose) {
    this.#calls = calls;
    this.#options = options;
    this.#onClose = onClose;
    this.reset().catch(() => {});
  }

  /**
   * Processes the next frame, which stays yours. Frames passed before this one is done are queued in order.
   * @param {FrameInput} given
   * @param {{ signal?: AbortSignal }} [options] `signal` abandons the result; the output may include the
   *   frame nevertheless
   * @returns {Promise<FrameResult>}
   */
  async next(given, { signal } = {}) {
    this.#check();
    const { width, height, panels = true } = this.#options;
    const reading = frameOf(given, { width, height });
    reading.catch(() => {}); // thrown below
    const { frame, transfer } = await this.#serializer.run(() => reading);
    this.#check();
    const answer = await this.#calls.call("next", { frame, panels }, { signal, transfer });
    return new FrameResult(answer, answer.input);
  }

  /**
   * The results of many frames, one after the other; the stream stays open.
   * @param {Iterable<FrameInput> | AsyncIterable<FrameInput> | ReadableStream<FrameInput>} frames `VideoFrame`s
   *   are closed
   * @returns {AsyncGenerator<FrameResult, void>}
   */
  async *results(frames) {
    for await (const frame of /** @type {AsyncIterable<FrameInput>} */ (frames)) {
      yield await this.next(frame);
      if (typeof VideoFrame !== "undefined" && frame instanceof VideoFrame) frame.close();
    }
  }

  /** Makes the next frame the first of a new stream: a keyframe, with nothing before it. */
  async reset() {
    this.#check();
    await this.#calls.call("restart", null);
  }

  /** Ends the stream, so that the model is free for a clip or another stream. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #check() {
    if (this.#closed) throw new Error("This stream was closed: open another one with stream().");
  }
}
