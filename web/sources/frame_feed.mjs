/**
 * Feeds the live view with the frames of a source, whichever worker computes them.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Source } from "./source.mjs" */

import { showNotice } from "../page/notice.mjs";
import { FramePump } from "./frame_pump.mjs";

export class FrameFeed {
  #view;
  #isReady = false;
  /** @type {Source | undefined} */
  #source;
  /** @type {FramePump | undefined} */
  #pump;

  /** @param {LiveView} view */
  constructor(view) {
    this.#view = view;
    view.on("frame", () => this.#pump?.done());
    view.on("frame-error", ({ message }) => {
      this.#pump?.done();
      showNotice(message);
    });
    view.on("restart", () => this.#restart());
    this.#awaitWorker();
  }

  /** Whether there is a worker for frames. */
  get isReady() {
    return this.#isReady;
  }

  /** Milliseconds from the capture of the last frame to its end. */
  get latency() {
    return this.#pump?.latency ?? 0;
  }

  /** Frames of this source that were replaced by newer ones. */
  get replaced() {
    return this.#pump?.replaced ?? 0;
  }

  /**
   * From now on the frames are those of this source.
   * @param {Source} source
   */
  start(source) {
    this.#source = source;
    this.#pump = new FramePump(
      () => source.capture(),
      (frame) => this.#view.send(frame),
      showNotice,
    );
  }

  /** The source has a new frame; before there is a worker it is not captured. */
  offer() {
    if (this.#isReady) this.#pump?.offer();
  }

  /** No frame is captured any more, and the one in progress is not shown. */
  stop() {
    this.#view.newStream();
    this.#pump?.stop();
    this.#pump = undefined;
    this.#source = undefined;
  }

  async #awaitWorker() {
    try {
      await this.#view.ready;
    } catch {
      return; // reported where the worker was started
    }
    this.#isReady = true;
    this.#pump?.offer();
  }

  /** Another worker is starting: the frame in progress is lost, the source stays open. */
  #restart() {
    const source = this.#source;
    this.#isReady = false;
    this.stop();
    if (source) this.start(source);
    this.#awaitWorker();
  }
}
