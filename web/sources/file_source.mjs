/**
 * A video file as a source of frames: in real time by a <video>, or each frame by its number.
 *
 * In real time the <video> is the clock, and frames that cannot be processed in time are skipped. With
 * `file-pace=every-frame` and for single steps a `FrameReader` decodes the frames one by one, each when the previous
 * one is finished.
 * @module
 */

/** @import { PictureFrame } from "../../wasm_bridge/autogaze.mjs" */
/** @import { FrameReader } from "./frame_reader.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { capturePicture, play, watchPictures } from "./video_frames.mjs";

// A video of one frame would only seek to its start for ever, so it does not loop.
const MIN_LOOP_S = 0.1;

/** @implements {Source} */
export class FileSource {
  /** Called when the position in the file or its number of frames has changed. @type {() => void} */
  onChange = () => {};

  #file;
  #setup;
  #closeVideo;
  #unwatch;
  #running = false;
  #closed = false;
  #time = 0;
  /** The frame to show next, if one was requested. @type {number | undefined} */
  #requested;
  /** @type {number | undefined} of the last frame captured by number */
  #index;
  /** @type {FrameReader | undefined} */
  #reader;
  /** @type {Promise<FrameReader> | undefined} */
  #opening;
  #problem = "";

  /**
   * @param {File} file
   * @param {SourceSetup} setup with a video that shows the file
   * @param {() => void} closeVideo
   */
  constructor(file, setup, closeVideo) {
    this.#file = file;
    this.#setup = setup;
    this.#closeVideo = closeVideo;
    const { video, events } = setup;
    this.#unwatch = watchPictures(video, (time) => this.#pictureOfVideo(time));
    video.onended = () => this.#finish();
    video.onerror = () => events.onEnd(`"${file.name}" broke off: the rest of the file cannot be read.`);
    this.resume();
  }

  get playback() {
    return this;
  }

  /** In seconds. */
  get duration() {
    const { duration } = this.#setup.video;
    return Number.isFinite(duration) ? duration : (this.#reader?.timeOf(this.#reader.count - 1) ?? 0);
  }

  /** The position in the file, in seconds. */
  get time() {
    return this.#time;
  }

  /** The number of the frame, from 0; undefined until frames are counted. */
  get index() {
    return this.#reader && Math.max(0, this.#index ?? this.#reader.indexAt(this.#time));
  }

  /** The number of frames; undefined until they are counted. */
  get count() {
    return this.#reader?.count;
  }

  /** Why single frames are unavailable; empty if they are not. */
  get problem() {
    return this.#problem;
  }

  get #everyFrame() {
    return this.#setup.values["file-pace"] === "every-frame" && !this.#problem;
  }

  get #loops() {
    return this.#setup.values["file-loop"] === true;
  }

  /** @returns {Promise<PictureFrame | null>} */
  async capture() {
    const { video, size, events } = this.#setup;
    const framewise = this.#requested !== undefined || (this.#running && this.#everyFrame);
    if (!framewise) return this.#index === undefined ? capturePicture(video, size) : null;
    const reader = await this.#openReader();
    const index = reader && (this.#requested ?? this.#nextIndex(reader));
    if (!reader || index === undefined) return null;
    try {
      const { image, width, height } = await reader.frame(index);
      return { image, ...size(width, height) };
    } catch (error) {
      if (this.#closed) return null;
      const reason = error instanceof Error ? error.message : error;
      this.pause();
      events.onRefused(
        `Frame ${index + 1} of "${this.#file.name}" cannot be decoded (${reason}): step over it.`,
      );
      return null;
    } finally {
      if (this.#requested === index) this.#requested = undefined;
      if (!this.#closed) this.#setPosition(reader.timeOf(index), index);
      if (this.#running || this.#requested !== undefined) events.onPicture();
    }
  }

  resume() {
    const { video, events } = this.#setup;
    this.#running = true;
    if (this.#everyFrame) {
      video.pause();
      if (this.#index !== undefined && this.#index + 1 === this.#reader?.count) this.#index = -1;
      events.onPicture();
      return;
    }
    video.loop = this.#loops && video.duration > MIN_LOOP_S;
    if (this.#index !== undefined) video.currentTime = this.#time;
    this.#index = undefined;
    play(video, events.onRefused);
  }

  pause() {
    this.#running = false;
    this.#setup.video.pause();
  }

  /** Follows the options of files after they have changed. */
  configure() {
    this.#setup.video.loop = this.#loops;
    if (this.#running) this.resume();
  }

  /**
   * Shows another frame. The player has to be paused first.
   * @param {number} frames to go, negative for back
   */
  async step(frames) {
    const reader = await this.#openReader();
    if (!reader) return;
    this.#request((this.#requested ?? this.index ?? 0) + frames);
  }

  /**
   * Shows the frame at a time.
   * @param {number} time in seconds
   */
  async seek(time) {
    if (this.#running && !this.#everyFrame) {
      this.#setup.video.currentTime = time;
      return;
    }
    this.#setPosition(time, this.#index);
    const reader = await this.#openReader();
    if (reader) this.#request(reader.indexAt(time));
    else this.#setup.video.currentTime = time;
  }

  /**
   * Shows a frame.
   * @param {number} index
   */
  async show(index) {
    if (await this.#openReader()) this.#request(index);
  }

  close() {
    this.#closed = true;
    this.#unwatch();
    this.#setup.video.onended = null;
    this.#setup.video.onerror = null;
    this.#closeVideo();
    this.#reader?.close();
  }

  /** @param {number} index */
  #request(index) {
    const last = (this.#reader?.count ?? 1) - 1;
    this.#requested = Math.min(Math.max(index, 0), last);
    this.#setup.events.onPicture();
  }

  /**
   * The index of the next frame, or of the current one if the <video> was playing until now.
   * @param {FrameReader} reader
   */
  #nextIndex(reader) {
    if (this.#index === undefined) return reader.indexAt(this.#time);
    if (this.#index + 1 < reader.count) return this.#index + 1;
    if (this.#loops && reader.count > 1) return 0;
    this.#finish();
    return undefined;
  }

  #finish() {
    this.#running = false;
    this.#setup.events.onFinished();
  }

  /** @param {number} [time] of a picture that the video shows */
  #pictureOfVideo(time) {
    if (this.#everyFrame && this.#running) return;
    if (this.#requested !== undefined || this.#index !== undefined) return;
    this.#setPosition(time ?? this.#setup.video.currentTime, undefined);
    this.#setup.events.onPicture();
  }

  /**
   * @param {number} time
   * @param {number | undefined} index
   */
  #setPosition(time, index) {
    this.#time = time;
    this.#index = index;
    this.onChange();
  }

  /** Opens the file for reading frame by frame; one that does not allow it plays in real time. */
  async #openReader() {
    try {
      this.#opening ??= this.#createReader();
      const reader = await this.#opening;
      this.onChange();
      return reader;
    } catch (error) {
      if (this.#closed || this.#problem) return undefined;
      this.#problem = error instanceof Error ? error.message : String(error);
      this.onChange();
      if (this.#running) this.resume();
      return undefined;
    }
  }

  async #createReader() {
    // Most files are never read frame by frame.
    const { FrameReader } = await import("./frame_reader.mjs");
    const reader = await FrameReader.open(this.#file);
    if (this.#closed) reader.close();
    this.#reader = reader;
    return reader;
  }
}
