/**
 * Every frame of a video file by its number: Mediabunny finds it in the container, WebCodecs decodes it.
 * A <video> cannot do that: it seeks to times, and skips frames while it plays.
 * @module
 */

/** @import { VideoSample } from "mediabunny" */
/** @import { Reader, ReaderSetup } from "./opened_file.mjs" */
/** @import { FrameTable } from "./mp4_index.mjs" */

import { counted } from "../page/number_text.mjs";
import { missingPart, withWholeBoxes } from "./file_kind.mjs";
import { hasBrokenElements, segmentOf } from "./matroska_repair.mjs";
import { openInput, videoTrack } from "./media_input.mjs";
import { firstLost } from "./mp4_edits.mjs";
import { readMp4Index } from "./mp4_index.mjs";
import { registerOpaqueDecoder, supportedConfig, withColours } from "./opaque_decoder.mjs";
import { KEEPS_ORIENTATION } from "./video_frames.mjs";

/** @typedef {typeof import("mediabunny")} Mediabunny */
/** @typedef {Omit<FrameTable, "width" | "height" | "framesPerSecond">} Frames */

// About nine hours at 30 frames a second; bounds the memory of the list of times.
const MAX_FRAMES = 1_000_000;
// Some APIs round times to microseconds.
const ROUNDING_S = 1e-4;
// Frames counted between two reports of the progress.
const REPORT_EVERY = 500;

/** @implements {Reader} */
export class FrameReader {
  /** What is wrong with the file; empty if nothing is. */
  damage;

  #input;
  #sink;
  #frames;
  /** Frames in order from `#next` on. @type {AsyncGenerator<VideoSample, void, unknown> | undefined} */
  #sequence;
  #next = -1;

  /**
   * @param {import("mediabunny").Input} input
   * @param {import("mediabunny").VideoSampleSink} sink
   * @param {Frames} frames
   * @param {string} [damage]
   */
  constructor(input, sink, frames, damage = "") {
    this.#input = input;
    this.#sink = sink;
    this.#frames = frames;
    this.damage = damage;
  }

  /**
   * @param {Blob} file
   * @param {ReaderSetup} setup
   * @returns {Promise<FrameReader>}
   * @throws {Error} with a sentence for the user; an `AbortError` once `signal` is aborted
   */
  static async open(file, setup) {
    if (typeof VideoDecoder === "undefined") {
      throw new Error("This browser cannot decode a file frame by frame: use a newer one.");
    }
    const missing = await missingPart(file);
    const { library, input } = await openInput(file);
    registerOpaqueDecoder(library);
    try {
      const track = await videoTrack(input);
      const config = await track?.getDecoderConfig();
      if (!track || !config || !(await supportedConfig(config))) {
        throw new Error("no track that this browser decodes");
      }
      const isCut = (await missingPart(await withWholeBoxes(file))) !== "";
      const frames = await readFrames(library, file, track, { ...setup, isCut });
      if (frames.times.length === 0) throw new Error("it has no frames");
      track.getDecoderConfig = async () => withColours(config); // which the sink asks for
      const sink = new library.VideoSampleSink(track);
      return new FrameReader(input, sink, frames, await damageOf(file, missing, frames.times.length));
    } catch (error) {
      input.dispose();
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      const reason = error instanceof Error ? error.message.replace(/\.$/, "") : error;
      throw new Error(`This file cannot be read frame by frame (${reason}); it plays in real time only.`);
    }
  }

  /** The number of frames. */
  get count() {
    return this.#frames.times.length;
  }

  /**
   * The time of a frame, in seconds.
   * @param {number} index
   */
  timeOf(index) {
    return this.#frames.times[index] ?? 0;
  }

  /**
   * For how long a frame is shown, in seconds.
   * @param {number} index
   */
  durationOf(index) {
    if (index + 1 < this.count) return Math.max(0, this.timeOf(index + 1) - this.timeOf(index));
    return this.#frames.lastDuration || undefined;
  }

  /**
   * The frame that is shown at a time.
   * @param {number} time in seconds
   */
  indexAt(time) {
    let [first, last] = [0, this.count - 1];
    while (first < last) {
      const middle = Math.ceil((first + last) / 2);
      if (this.timeOf(middle) <= time + ROUNDING_S) first = middle;
      else last = middle - 1;
    }
    return first;
  }

  /**
   * The next frame that can be decoded without this one.
   * @param {number} index
   */
  resumeAfter(index) {
    const next = this.#frames.keys.indexOf(true, index + 1);
    return next < 0 ? undefined : next;
  }

  /**
   * Decodes a frame. In order, each frame is decoded once.
   * @param {number} index
   * @returns {Promise<{ image: VideoFrame | ImageBitmap, width: number, height: number }>} with its displayed size
   */
  async frame(index) {
    const sample = (index === this.#next && (await this.#nextSample(index))) || (await this.#sampleAt(index));
    if (!sample) throw new Error("its data are missing");
    this.#next = index + 1;
    return toFrame(sample);
  }

  close() {
    this.#endSequence();
    this.#input.dispose();
  }

  /**
   * @param {number} index
   * @returns {Promise<VideoSample | undefined>} undefined if it has to be looked for
   */
  async #nextSample(index) {
    const time = this.#sampleTime(index);
    this.#sequence ??= this.#sink.samples(time);
    try {
      for (;;) {
        const { value: sample } = await this.#sequence.next();
        if (!sample || Math.abs(sample.timestamp - time) < ROUNDING_S) return sample ?? undefined;
        const passed = sample.timestamp > time;
        sample.close();
        if (passed) break;
      }
    } catch {
      // The decoder works ahead, and stops at damage behind frames that it has not handed out.
    }
    this.#endSequence();
    return undefined;
  }

  /** @param {number} index */
  async #sampleAt(index) {
    this.#endSequence();
    const sample = await this.#sink.getSample(this.#sampleTime(index) + ROUNDING_S / 10);
    if (!sample || Math.abs(sample.timestamp - this.#sampleTime(index)) < ROUNDING_S) return sample;
    sample.close();
    return null;
  }

  /** @param {number} index */
  #sampleTime(index) {
    return this.#frames.sampleTimes[index] ?? 0;
  }

  #endSequence() {
    // It fails if it is reading while the file is closed.
    this.#sequence?.return().catch(() => {});
    this.#sequence = undefined;
  }
}

/**
 * @param {Blob} file
 * @param {string} missing what it lacks by the sizes that it states
 * @param {number} count of its frames
 */
async function damageOf(file, missing, count) {
  if (missing) return `is damaged after ${counted(count, "frame")} (the file is cut off: ${missing})`;
  return (await hasBrokenElements(file)) ? "is damaged: parts of it are missing" : "";
}

/**
 * @param {Mediabunny} library
 * @param {Blob} file
 * @param {import("mediabunny").InputVideoTrack} track
 * @param {ReaderSetup & { isCut: boolean }} setup `isCut`: whether the file ends within its frames
 * @returns {Promise<Frames>}
 */
export async function readFrames(library, file, track, setup) {
  const index = (await readMp4Index(file))?.get(track.id);
  // Frames of a cut Matroska all come, as its last block is whole.
  const endsWithinFrame = setup.isCut && !(await segmentOf(file));
  const frames =
    index ?? (await countPackets(new library.EncodedPacketSink(track), { ...setup, endsWithinFrame }));
  setup.signal.throwIfAborted();
  if (frames.times.length > MAX_FRAMES) throw new Error(`it has more than ${MAX_FRAMES} frames`);
  return frames;
}

/**
 * @param {import("mediabunny").EncodedPacketSink} sink
 * @param {ReaderSetup & { isCut: boolean, endsWithinFrame: boolean }} setup
 * @returns {Promise<Frames>}
 */
async function countPackets(sink, { signal, onProgress, duration: fileDuration, isCut, endsWithinFrame }) {
  const packets = [];
  // Packets whose data are missing come only if their data are not asked for.
  const listed = sink.packets(undefined, undefined, { metadataOnly: !isCut || endsWithinFrame });
  for await (const { timestamp: time, duration, type } of listed) {
    packets.push({ time, duration, key: type === "key" });
    if (packets.length % REPORT_EVERY === 0) {
      signal.throwIfAborted();
      const share = fileDuration > 0 && fileDuration < Infinity ? time / fileDuration : undefined;
      onProgress({ frames: packets.length, share: share && Math.min(1, Math.max(0, share)) });
    }
    if (packets.length > MAX_FRAMES) break;
  }
  let whole = packets.length;
  if (endsWithinFrame) {
    whole = 0;
    for await (const _ of sink.packets()) whole += 1;
  }
  const lost = firstLost(
    packets.map(({ time }) => time),
    whole,
  );
  // The container stores them in decoding order.
  const there = packets.slice(0, whole).sort((one, other) => one.time - other.time);
  const shown = there.filter(({ time }) => time >= 0 && time < lost);
  const times = shown.map(({ time }) => time);
  const keys = shown.map(({ key }) => key);
  return { times, sampleTimes: times, keys, lastDuration: shown.at(-1)?.duration ?? 0, cut: isCut };
}

/**
 * @param {VideoSample} sample closed by this function
 */
function toFrame(sample) {
  const { displayWidth: width, displayHeight: height } = sample;
  try {
    const isUpright = sample.rotation === 0 && !sample.flip;
    if (isUpright || KEEPS_ORIENTATION) return { image: upright(sample, isUpright), width, height };
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser cannot draw off screen");
    sample.draw(context, 0, 0);
    return { image: canvas.transferToImageBitmap(), width, height };
  } finally {
    sample.close();
  }
}

/**
 * @param {VideoSample} sample
 * @param {boolean} isUpright
 */
function upright(sample, isUpright) {
  const frame = sample.toVideoFrame();
  if (isUpright) return frame;
  const { rotation, flip } = sample;
  try {
    return new VideoFrame(frame, /** @type {VideoFrameInit} */ ({ rotation, flip }));
  } finally {
    frame.close();
  }
}
