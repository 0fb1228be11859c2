/**
 * A video file as a source of frames: in real time by a <video>, or each frame by its number.
 *
 * In real time the <video> keeps the time and frames that cannot be worked on in time are skipped. At the
 * model's pace (`file-pace=every-frame`) and for single steps a `FrameReader` gives the frames one after the
 * other: the next one is decoded when the one before is done.
 * @module
 */

import { FrameReader } from "./frame_reader.mjs";
import { capturePicture, play, watchPictures } from "./video_frames.mjs";

/** @typedef {import("./source.mjs").Source} Source */
/** @typedef {import("./source.mjs").SourceSetup} SourceSetup */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").PictureFrame} PictureFrame */

// A video of one frame would do nothing but seek to its start: it is shown and rests.
const SHORTEST_LOOP_S = 0.1;

/** @implements {Source} */
export class FileSource {
  /** Called when the place in the file, or what is known of the file, changed. @type {() => void} */
  onChange = () => {};

  #file;
  #setup;
  #closeVideo;
  #unwatch;
  #running = false;
  #closed = false;
  #time = 0;
  /** The frame that is to be shown instead of the running ones. @type {number | undefined} */
  #wanted;
  /** @type {number | undefined} of the frame captured last, where frames are counted */
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

  /** Where the file is, in seconds. */
  get time() {
    return this.#time;
  }

  /** The number of the frame, from 0; undefined as long as frames are not counted. */
  get index() {
    return this.#reader && Math.max(0, this.#index ?? this.#reader.indexAt(this.#time));
  }

  /** How many frames the file has; undefined as long as they are not counted. */
  get count() {
    return this.#reader?.count;
  }

  /** Why there are no single frames, or nothing. */
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
    const framewise = this.#wanted !== undefined || (this.#running && this.#everyFrame);
    if (!framewise) return this.#index === undefined ? capturePicture(video, size) : null;
    const reader = await this.#count();
    const index = reader && (this.#wanted ?? this.#following(reader));
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
      if (this.#wanted === index) this.#wanted = undefined;
      if (!this.#closed) this.#place(reader.timeOf(index), index);
      if (this.#running || this.#wanted !== undefined) events.onPicture();
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
    video.loop = this.#loops && video.duration > SHORTEST_LOOP_S;
    if (this.#index !== undefined) video.currentTime = this.#time;
    this.#index = undefined;
    play(video, events.onRefused);
  }

  pause() {
    this.#running = false;
    this.#setup.video.pause();
  }

  /** The options of files have changed. */
  configure() {
    this.#setup.video.loop = this.#loops;
    if (this.#running) this.resume();
  }

  /**
   * Shows the frame so many frames from here; the player is paused first.
   * @param {number} frames
   */
  async step(frames) {
    const reader = await this.#count();
    if (!reader) return;
    this.#want((this.#wanted ?? this.index ?? 0) + frames);
  }

  /**
   * Shows the frame of a time.
   * @param {number} time in seconds
   */
  async seek(time) {
    if (this.#running && !this.#everyFrame) {
      this.#setup.video.currentTime = time;
      return;
    }
    this.#place(time, this.#index);
    const reader = await this.#count();
    if (reader) this.#want(reader.indexAt(time));
    else this.#setup.video.currentTime = time;
  }

  /**
   * Shows a frame.
   * @param {number} index
   */
  async show(index) {
    if (await this.#count()) this.#want(index);
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
  #want(index) {
    const last = (this.#reader?.count ?? 1) - 1;
    this.#wanted = Math.min(Math.max(index, 0), last);
    this.#setup.events.onPicture();
  }

  /**
   * The frame after the present one, or the present one of a <video> that played until now.
   * @param {FrameReader} reader
   */
  #following(reader) {
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
    if (this.#wanted !== undefined || this.#index !== undefined) return;
    this.#place(time ?? this.#setup.video.currentTime, undefined);
    this.#setup.events.onPicture();
  }

  /**
   * @param {number} time
   * @param {number | undefined} index
   */
  #place(time, index) {
    this.#time = time;
    this.#index = index;
    this.onChange();
  }

  /** Counts the frames if that was not done yet; a file that does not allow it plays in real time. */
  async #count() {
    try {
      const reader = await this.#frames();
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

  #frames() {
    this.#opening ??= FrameReader.open(this.#file).then((reader) => {
      if (this.#closed) reader.close();
      this.#reader = reader;
      return reader;
    });
    return this.#opening;
  }
}
