/**
 * Writes a recording: takes pictures from the live worker one by one and encodes them into a file.
 * @module
 */

/** @import { FromRecording, ToRecording } from "../../wasm_bridge/panels/frame_tap.mjs" */
/** @import { FromRecordingWorker, RecordingSetup, ToRecordingWorker } from "./recording_protocol.mjs" */

import { CaptionPainter } from "./caption.mjs";
import { GifWriter } from "./gif_writer.mjs";
import { VideoWriter } from "./video_writer.mjs";

/**
 * Times in milliseconds. A picture is written once its end, the time of the next one, is known.
 * @typedef {object} Writer
 * @property {number} bytes written so far
 * @property {(image: ImageBitmap | OffscreenCanvas, start: number, end: number) => Promise<void>} add
 * @property {() => Promise<Blob>} finish
 */

// Pictures in flight: one being written, one waiting for its end, one on its way.
const ROOM = 3;
// Duration of the only picture of a recording.
const DEFAULT_DURATION_MS = 1000 / 30;
// Players skip pictures of no duration.
const MIN_DURATION_MS = 1;

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

class RecordingWriter {
  #port;
  #writer;
  #maxBytes;
  #maxMs;
  /** @type {CaptionPainter | undefined} */
  #painter;
  /** @type {ToRecording | undefined} */
  #pending;
  #duration = DEFAULT_DURATION_MS;
  #frames = 0;
  #end = 0;
  #ended = false;
  #queue = Promise.resolve();

  /**
   * @param {MessagePort} port
   * @param {RecordingSetup} setup
   */
  constructor(port, { format, maxBytes, maxMs = Number.POSITIVE_INFINITY, credits }) {
    this.#port = port;
    this.#maxBytes = maxBytes;
    this.#maxMs = maxMs;
    if (credits?.caption) this.#painter = new CaptionPainter(credits);
    this.#writer = format === "gif" ? new GifWriter() : new VideoWriter(format, credits);
    port.onmessage = ({ data }) => this.#enqueue(() => this.#take(data));
    this.#post({ room: ROOM });
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#post({ paused });
  }

  finish() {
    this.#enqueue(() => this.#finish(false));
  }

  /** @param {() => Promise<void>} task */
  #enqueue(task) {
    this.#queue = this.#queue.then(async () => {
      if (this.#ended) return;
      try {
        await task();
      } catch (error) {
        this.#stop();
        const reason = error instanceof Error ? error.message : String(error);
        send({ type: "error", message: `The recording failed: ${reason}` });
      }
    });
  }

  /** @param {ToRecording} picture */
  async #take(picture) {
    if (this.#pending) {
      const next = Math.max(picture.time, this.#pending.time + MIN_DURATION_MS);
      this.#duration = next - this.#pending.time;
      await this.#write(Math.min(next, this.#maxMs));
      picture = { ...picture, time: next };
    }
    if (picture.time >= this.#maxMs) {
      picture.image.close();
      await this.#finish(false);
      return;
    }
    this.#pending = picture;
    if (this.#writer.bytes >= this.#maxBytes) await this.#finish(true);
  }

  /** @param {number} end of the pending picture */
  async #write(end) {
    if (!this.#pending) return;
    const { image, time, numbers } = this.#pending;
    this.#pending = undefined;
    try {
      await this.#writer.add(this.#painter?.paint(image, numbers) ?? image, time, end);
    } finally {
      image.close();
    }
    this.#frames += 1;
    this.#end = end;
    this.#post({ room: 1 });
    send({ type: "progress", frames: this.#frames, milliseconds: end, bytes: this.#writer.bytes });
  }

  /** @param {boolean} full whether it reached its largest size */
  async #finish(full) {
    this.#post({ ended: true });
    if (this.#pending) await this.#write(this.#pending.time + (this.#pending.duration ?? this.#duration));
    if (this.#frames === 0) throw new Error("no frame came; start the source, then record.");
    const blob = await this.#writer.finish();
    this.#ended = true;
    send({ type: "finished", blob, frames: this.#frames, milliseconds: this.#end, full });
  }

  #stop() {
    this.#ended = true;
    this.#post({ ended: true });
    this.#pending?.image.close();
    this.#pending = undefined;
  }

  /** @param {FromRecording} message */
  #post(message) {
    this.#port.postMessage(message);
  }
}

/** @type {RecordingWriter | undefined} */
let recording;

scope.onmessage = ({ data }) => {
  const message = /** @type {ToRecordingWorker} */ (data);
  if (message.type === "start") recording = new RecordingWriter(message.port, message);
  else if (message.type === "pause") recording?.pause(message.paused);
  else recording?.finish();
};

/** @param {FromRecordingWorker} message */
function send(message) {
  scope.postMessage(message);
}
