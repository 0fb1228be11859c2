/**
 * Every frame of a video file by its number: Mediabunny finds it in the container, WebCodecs decodes it.
 * A <video> cannot do that: it seeks to times, and skips frames while it plays.
 * @module
 */

/** @import { VideoSample } from "mediabunny" */

import { KEEPS_ROTATION } from "./video_frames.mjs";

/** @typedef {{ image: VideoFrame | ImageBitmap, width: number, height: number }} DecodedFrame with its displayed size */

const LIBRARY = new URL("../../runtime/recording/mediabunny.mjs", import.meta.url).href;
// About nine hours at 30 frames a second; bounds the memory of the list of times.
const MAX_FRAMES = 1_000_000;
// Some APIs round times to microseconds.
const ROUNDING_S = 1e-4;

export class FrameReader {
  #input;
  #sink;
  #times;
  /** Frames in order from `#next` on. @type {AsyncGenerator<VideoSample, void, unknown> | undefined} */
  #sequence;
  #next = -1;

  /**
   * @param {import("mediabunny").Input} input
   * @param {import("mediabunny").VideoSampleSink} sink
   * @param {number[]} times
   */
  constructor(input, sink, times) {
    this.#input = input;
    this.#sink = sink;
    this.#times = times;
  }

  /**
   * @param {Blob} file
   * @returns {Promise<FrameReader>}
   * @throws {Error} with a sentence for the user
   */
  static async open(file) {
    if (typeof VideoDecoder === "undefined") {
      throw new Error("This browser cannot decode a file frame by frame: use a newer one.");
    }
    /** @type {typeof import("mediabunny")} */
    const library = await import(LIBRARY);
    // Files only: a playlist (HLS) would make the page fetch what it lists.
    const formats = [library.MP4, library.QTFF, library.WEBM, library.MATROSKA, library.MPEG_TS];
    const input = new library.Input({ formats, source: new library.BlobSource(file) });
    try {
      const track = await input.getPrimaryVideoTrack();
      if (!track || !(await track.canDecode())) throw new Error("no track that this browser decodes");
      const times = await frameTimes(new library.EncodedPacketSink(track));
      return new FrameReader(input, new library.VideoSampleSink(track), times);
    } catch (error) {
      input.dispose();
      const reason = error instanceof Error ? error.message.replace(/\.$/, "") : error;
      throw new Error(`This file cannot be read frame by frame (${reason}); it plays in real time only.`);
    }
  }

  /** The number of frames. */
  get count() {
    return this.#times.length;
  }

  /**
   * The time of a frame, in seconds.
   * @param {number} index
   */
  timeOf(index) {
    return this.#times[index] ?? 0;
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
   * Decodes a frame. In order, each frame is decoded once.
   * @param {number} index
   * @returns {Promise<DecodedFrame>}
   */
  async frame(index) {
    const sample = index === this.#next ? await this.#nextSample(index) : await this.#sampleAt(index);
    if (!sample) throw new Error(`frame ${index + 1} cannot be decoded`);
    this.#next = index + 1;
    return toFrame(sample);
  }

  close() {
    this.#sequence?.return();
    this.#sequence = undefined;
    this.#input.dispose();
  }

  /** @param {number} index */
  async #nextSample(index) {
    this.#sequence ??= this.#sink.samples(this.timeOf(index));
    return (await this.#sequence.next()).value;
  }

  /** @param {number} index */
  async #sampleAt(index) {
    this.#sequence?.return();
    this.#sequence = undefined;
    return this.#sink.getSample(this.timeOf(index));
  }
}

/** @param {import("mediabunny").EncodedPacketSink} packets */
async function frameTimes(packets) {
  const times = [];
  for await (const packet of packets.packets(undefined, undefined, { metadataOnly: true })) {
    times.push(packet.timestamp);
    if (times.length > MAX_FRAMES) throw new Error(`it has more than ${MAX_FRAMES} frames`);
  }
  if (times.length === 0) throw new Error("it has no frames");
  // The container stores them in decoding order.
  return times.sort((a, b) => a - b);
}

/**
 * @param {VideoSample} sample closed by this function
 * @returns {DecodedFrame}
 */
function toFrame(sample) {
  const { displayWidth: width, displayHeight: height } = sample;
  try {
    if (sample.rotation === 0 || KEEPS_ROTATION) return { image: upright(sample), width, height };
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("this browser cannot draw off screen");
    sample.draw(context, 0, 0);
    return { image: canvas.transferToImageBitmap(), width, height };
  } finally {
    sample.close();
  }
}

/** @param {VideoSample} sample */
function upright(sample) {
  const frame = sample.toVideoFrame();
  if (sample.rotation === 0) return frame;
  const turned = new VideoFrame(frame, /** @type {VideoFrameInit} */ ({ rotation: sample.rotation }));
  frame.close();
  return turned;
}
