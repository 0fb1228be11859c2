/**
 * Writes a recording: takes pictures from the worker that makes them, one by one, and ends in a file.
 * @module
 */

import { GifWriter } from "./gif_writer.mjs";
import { VideoWriter } from "./video_writer.mjs";

/** @typedef {import("../../wasm_bridge/panels/frame_tap.mjs").FromRecording} FromRecording */
/** @typedef {import("../../wasm_bridge/panels/frame_tap.mjs").ToRecording} ToRecording */
/** @typedef {import("./recording_protocol.mjs").RecordingFormat} RecordingFormat */
/** @typedef {import("./recording_protocol.mjs").FromRecordingWorker} FromRecordingWorker */
/** @typedef {import("./recording_protocol.mjs").ToRecordingWorker} ToRecordingWorker */

/**
 * A picture is written once the next one's time, its end, is known; times in milliseconds.
 * @typedef {object} Writer
 * @property {number} bytes written so far
 * @property {(image: ImageBitmap, start: number, end: number) => Promise<void>} add
 * @property {() => Promise<Blob>} finish
 */

// Pictures that may be on their way: one is being written, one waits for its end, one is underway.
const ROOM = 3;
// Of the last picture, if there was none before it.
const USUAL_MS = 1000 / 30;
// Time must pass between pictures, or players leave them out.
const SHORTEST_MS = 1;

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

class Recording {
  #port;
  #writer;
  #mostBytes;
  /** @type {ToRecording | undefined} */
  #held;
  #duration = USUAL_MS;
  #frames = 0;
  #end = 0;
  #over = false;
  #writing = Promise.resolve();

  /**
   * @param {MessagePort} port
   * @param {RecordingFormat} format
   * @param {number} mostBytes
   */
  constructor(port, format, mostBytes) {
    this.#port = port;
    this.#mostBytes = mostBytes;
    this.#writer = format === "gif" ? new GifWriter() : new VideoWriter(format);
    port.onmessage = ({ data }) => this.#then(() => this.#take(data));
    this.#say({ room: ROOM });
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#say({ paused });
  }

  finish() {
    this.#then(() => this.#finish(false));
  }

  /** @param {() => Promise<void>} task */
  #then(task) {
    this.#writing = this.#writing.then(async () => {
      if (this.#over) return;
      try {
        await task();
      } catch (error) {
        this.#stop();
        const reason = error instanceof Error ? error.message : String(error);
        send({ type: "fault", message: `The recording failed: ${reason}` });
      }
    });
  }

  /** @param {ToRecording} picture */
  async #take(picture) {
    if (this.#held) {
      const next = Math.max(picture.time, this.#held.time + SHORTEST_MS);
      this.#duration = next - this.#held.time;
      await this.#write(next);
      picture = { image: picture.image, time: next };
    }
    this.#held = picture;
    if (this.#writer.bytes >= this.#mostBytes) await this.#finish(true);
  }

  /** @param {number} end of the picture that is held */
  async #write(end) {
    if (!this.#held) return;
    const { image, time } = this.#held;
    this.#held = undefined;
    try {
      await this.#writer.add(image, time, end);
    } finally {
      image.close();
    }
    this.#frames += 1;
    this.#end = end;
    this.#say({ room: 1 });
    send({ type: "progress", frames: this.#frames, milliseconds: end, bytes: this.#writer.bytes });
  }

  /** @param {boolean} full whether it ends because it may not grow any more */
  async #finish(full) {
    this.#say({ ended: true });
    if (this.#held) await this.#write(this.#held.time + this.#duration);
    if (this.#frames === 0) throw new Error("no frame came; start the source, then record.");
    const blob = await this.#writer.finish();
    this.#over = true;
    send({ type: "finished", blob, frames: this.#frames, milliseconds: this.#end, full });
  }

  #stop() {
    this.#over = true;
    this.#say({ ended: true });
    this.#held?.image.close();
    this.#held = undefined;
  }

  /** @param {FromRecording} message */
  #say(message) {
    this.#port.postMessage(message);
  }
}

/** @type {Recording | undefined} */
let recording;

scope.onmessage = ({ data }) => {
  const message = /** @type {ToRecordingWorker} */ (data);
  if (message.type === "start") recording = new Recording(message.port, message.format, message.mostBytes);
  else if (message.type === "pause") recording?.pause(message.paused);
  else recording?.finish();
};

/** @param {FromRecordingWorker} message */
function send(message) {
  scope.postMessage(message);
}
