/**
 * A recording of the panels, made off the page's thread.
 * @module
 */

import { startWorker } from "../../wasm_bridge/autogaze.mjs";

/** @import { LiveView, PictureChoice } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Credits, FinishedRecording, FromRecordingWorker, RecordingFormat, RecordingProgress, ToRecordingWorker } from "./recording_protocol.mjs" */

/** The size at which a recording ends by itself, because all of it is in memory. */
export const MAX_RECORDING_BYTES = 256e6;

export class Recording {
  /** @type {(progress: RecordingProgress) => void} */
  onProgress = () => {};

  /** Resolves when there is a file, or with null if it is cancelled; rejects with a sentence if it fails. */
  finished;

  /** The view has one tap. @type {Recording | undefined} */
  static #running;

  #view;
  #worker;
  /** @type {(finished: FinishedRecording | null) => void} */
  #resolve = () => {};
  /** @type {(reason: Error) => void} */
  #reject = () => {};

  /**
   * @param {LiveView} view
   * @param {PictureChoice} choice
   * @param {RecordingFormat} format
   * @param {{ maxBytes?: number, maxMs?: number, credits?: Credits }} [more] when it ends by itself, and what it says of itself
   * @throws {Error} while another recording is running
   */
  constructor(view, choice, format, { maxBytes = MAX_RECORDING_BYTES, maxMs, credits } = {}) {
    if (Recording.#running) throw new Error("Another recording is running: end it first.");
    Recording.#running = this;
    this.#view = view;
    this.#worker = startWorker(new URL("recording_worker.mjs", import.meta.url));
    this.finished = /** @type {Promise<FinishedRecording | null>} */ (
      new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      })
    );
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end();
      this.#reject(new Error("The recording could not start: reload the page and try again."));
    };
    const { port1, port2 } = new MessageChannel();
    this.#post({ type: "start", port: port1, format, maxBytes, maxMs, credits }, [port1]);
    view.tap(port2, choice);
  }

  /** @param {boolean} paused whether the source produces no frames; that time is not recorded */
  pause(paused) {
    this.#post({ type: "pause", paused });
  }

  /** Ends the recording; `finished` resolves with the file. */
  finish() {
    this.#post({ type: "finish" });
  }

  /** Ends the recording without a file. */
  cancel() {
    this.#end();
    this.#resolve(null);
  }

  /** @param {FromRecordingWorker} message */
  #receive(message) {
    if (message.type === "progress") {
      this.onProgress(message);
      return;
    }
    this.#end();
    if (message.type === "finished") this.#resolve(message);
    else this.#reject(new Error(message.message));
  }

  #end() {
    if (Recording.#running !== this) return;
    Recording.#running = undefined;
    this.#view.untap();
    this.#worker.terminate();
  }

  /**
   * @param {ToRecordingWorker} message
   * @param {Transferable[]} [transfer]
   */
  #post(message, transfer = []) {
    this.#worker.postMessage(message, transfer);
  }
}
