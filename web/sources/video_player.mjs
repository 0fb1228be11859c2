/**
 * Plays a file in real time in a <video>.
 * @module
 */

/** @import { Player, PlayerEvents } from "./opened_file.mjs" */

import { capturePicture, play, watchPictures } from "./video_frames.mjs";

// A video of one frame would only seek to its start for ever, so it does not loop.
const MIN_LOOP_S = 0.1;

/** @implements {Player} */
export class VideoPlayer {
  #video;
  #close;
  #stopWatching = () => {};
  #shown = 0;
  /** @type {(sentence: string) => void} */
  #onRefused = () => {};

  /**
   * @param {HTMLVideoElement} video with the file
   * @param {() => void} close frees the file
   */
  constructor(video, close) {
    this.#video = video;
    this.#close = close;
  }

  get duration() {
    return this.#video.duration;
  }

  get seeking() {
    return this.#video.seeking;
  }

  /** @param {PlayerEvents} events */
  start({ onPicture, onEnded, onBroken, onRefused }) {
    this.#onRefused = onRefused;
    this.#stopWatching = watchPictures(this.#video, (time = this.#video.currentTime) => {
      this.#shown = time;
      onPicture(time);
    });
    this.#video.onended = onEnded;
    this.#video.onerror = onBroken;
  }

  /** @param {boolean} loop */
  play(loop) {
    this.setLoop(loop);
    play(this.#video, this.#onRefused);
  }

  /** @param {boolean} loop */
  setLoop(loop) {
    this.#video.loop = loop && this.#video.duration > MIN_LOOP_S;
  }

  pause() {
    this.#video.pause();
  }

  /** @param {number} time in seconds */
  seek(time) {
    this.#video.currentTime = time;
  }

  async capture() {
    const picture = await capturePicture(this.#video, (width, height) => ({ width, height }));
    if (!picture) return null;
    // A VideoFrame knows its time; the time reported last may be that of the picture after it.
    const { image } = picture;
    return { ...picture, time: "timestamp" in image ? image.timestamp / 1e6 : this.#shown };
  }

  close() {
    this.#stopWatching();
    this.#video.onended = null;
    this.#video.onerror = null;
    this.#close();
  }
}
