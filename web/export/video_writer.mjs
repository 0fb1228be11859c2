/**
 * Writes a WebM or MP4: the browser encodes, Mediabunny puts it into the file.
 * @module
 */

/** @typedef {typeof import("mediabunny")} Mediabunny */

const LIBRARY = new URL("../../runtime/recording/mediabunny.mjs", import.meta.url).href;
const MS = 1000;
// Bits per pixel and second at thirty frames a second; text and sharp edges need more than a film.
const BITS_PER_PIXEL = 6;
const MIN_BITRATE = 2e6;
const KEYFRAME_SECONDS = 2;

/** @type {Record<"webm" | "mp4", import("mediabunny").VideoCodec[]>} */
const CODECS = { webm: ["vp9", "vp8", "av1"], mp4: ["avc", "av1", "hevc"] };

export class VideoWriter {
  bytes = 0;

  #format;
  #credits;
  /** @type {{ output: import("mediabunny").Output, target: import("mediabunny").BufferTarget, source: import("mediabunny").VideoSampleSource, VideoSample: typeof import("mediabunny").VideoSample } | undefined} */
  #open;

  /**
   * @param {"webm" | "mp4"} format
   * @param {{ title: string, address: string }} [credits]
   */
  constructor(format, credits) {
    this.#format = format;
    this.#credits = credits;
  }

  /**
   * @param {ImageBitmap | OffscreenCanvas} image later ones are fitted into the size of the first
   * @param {number} start in milliseconds
   * @param {number} end
   */
  async add(image, start, end) {
    this.#open ??= await this.#create(image.width, image.height);
    const { source, VideoSample } = this.#open;
    const frame = new VideoFrame(image, {
      timestamp: Math.round(start * MS),
      duration: Math.round((end - start) * MS),
    });
    const sample = new VideoSample(frame);
    try {
      await source.add(sample);
    } finally {
      sample.close();
      frame.close();
    }
  }

  /** @returns {Promise<Blob>} */
  async finish() {
    if (!this.#open) throw new Error("it contains no picture.");
    const { output, target } = this.#open;
    await output.finalize();
    if (!target.buffer) throw new Error("it is empty.");
    return new Blob([target.buffer], { type: `video/${this.#format}` });
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  async #create(width, height) {
    /** @type {Mediabunny} */
    const library = await import(LIBRARY);
    const { BufferTarget, Output, VideoSample, VideoSampleSource } = library;
    const codec = await library.getFirstEncodableVideoCodec(CODECS[this.#format], { width, height });
    if (!codec) {
      throw new Error(
        `this browser cannot encode ${width}x${height} pixels for ${this.#format.toUpperCase()}; choose another format.`,
      );
    }
    const source = new VideoSampleSource({
      codec,
      bitrate: Math.max(MIN_BITRATE, width * height * BITS_PER_PIXEL),
      keyFrameInterval: KEYFRAME_SECONDS,
      sizeChangeBehavior: "contain",
      latencyMode: "quality",
      onEncodedPacket: (packet) => {
        this.bytes += packet.byteLength;
      },
    });
    const target = new BufferTarget();
    const format = this.#format === "webm" ? new library.WebMOutputFormat() : new library.Mp4OutputFormat();
    const output = new Output({ format, target });
    output.addVideoTrack(source);
    if (this.#credits) output.setMetadataTags({ title: this.#credits.title, comment: this.#credits.address });
    await output.start();
    return { output, target, source, VideoSample };
  }
}
