/**
 * A recording of the panels, made off the page's thread.
 * @module
 */

/** @typedef {import("../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").PictureChoice} PictureChoice */
/** @typedef {import("./recording_protocol.mjs").RecordingFormat} RecordingFormat */
/** @typedef {import("./recording_protocol.mjs").RecordingProgress} RecordingProgress */
/** @typedef {import("./recording_protocol.mjs").FinishedRecording} FinishedRecording */
/** @typedef {import("./recording_protocol.mjs").FromRecordingWorker} FromRecordingWorker */
/** @typedef {import("./recording_protocol.mjs").ToRecordingWorker} ToRecordingWorker */

/** A recording ends by itself once it has so many bytes, all of them in memory. */
export const MOST_BYTES = 256e6;

export class Recording {
  /** @type {(progress: RecordingProgress) => void} */
  onProgress = () => {};

  /** Resolves when there is a file, or with null if it is cancelled; rejects with a sentence if it fails. */
  finished;

  #view;
  #worker = new Worker(new URL("recording_worker.mjs", import.meta.url), { type: "module" });
  /** @type {(finished: FinishedRecording | null) => void} */
  #resolve = () => {};
  /** @type {(reason: Error) => void} */
  #reject = () => {};

  /**
   * @param {LiveView} view
   * @param {PictureChoice} choice
   * @param {RecordingFormat} format
   * @param {number} [mostBytes]
   */
  constructor(view, choice, format, mostBytes = MOST_BYTES) {
    this.#view = view;
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
    this.#post({ type: "start", port: port1, format, mostBytes }, [port1]);
    view.tap(port2, choice);
  }

  /** @param {boolean} paused the source makes no frames: the time does not count */
  pause(paused) {
    this.#post({ type: "pause", paused });
  }

  /** Ends it with a file. */
  finish() {
    this.#post({ type: "finish" });
  }

  /** Ends it without one. */
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
