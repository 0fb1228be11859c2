/**
 * When the pictures of a recording are shown.
 * @module
 */

/**
 * The place of a frame in its file. Times are in seconds from the start of the presentation, on the file's clock.
 * @typedef {object} FilePosition
 * @property {number} time at which the frame is shown
 * @property {number} [duration] for which it is shown, where that is known
 * @property {number} loop how many times the file had been played before
 * @property {boolean} jump whether it does not follow the frame before it, because the user went elsewhere
 */

// Without any other clue a frame is shown this long.
const DEFAULT_MS = 1000 / 30;

/**
 * Frames of a file keep the distances that they have in the file, however long their processing takes; other frames
 * are as far apart as they come, less the pauses. After a jump, or where a file starts over, the frame before it is
 * shown for its own duration.
 */
export class RecordingClock {
  #now;
  /** Time of the last picture. @type {number | undefined} */
  #time;
  #step = DEFAULT_MS;
  /** @type {Omit<FilePosition, "loop"> | undefined} of the last frame */
  #last;
  /** Time that passed since the last frame, without pauses, up to `#since`. */
  #elapsed = 0;
  /** Start of the current run; undefined in a pause. @type {number | undefined} */
  #since;

  /** @param {() => number} [now] milliseconds of the machine's clock */
  constructor(now = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /**
   * The time of the next frame's picture in milliseconds, 0 for the first.
   * @param {Omit<FilePosition, "loop">} [position] of the frame, if it comes from a file
   */
  next(position) {
    const elapsed = this.#restart();
    if (this.#time === undefined) this.#time = 0;
    else this.#time += position && this.#last ? this.#inFile(this.#last, position) : elapsed;
    this.#last = position;
    return this.#time;
  }

  /** @param {boolean} paused whether the source produces no frames */
  pause(paused) {
    if (this.#since !== undefined) this.#elapsed += this.#now() - this.#since;
    this.#since = paused ? undefined : this.#now();
  }

  #restart() {
    this.pause(this.#since === undefined);
    const elapsed = this.#elapsed;
    this.#elapsed = 0;
    return elapsed;
  }

  /**
   * @param {Omit<FilePosition, "loop">} last
   * @param {Omit<FilePosition, "loop">} position
   * @returns {number} milliseconds between the two frames
   */
  #inFile(last, position) {
    if (position.jump || position.time <= last.time) return last.duration ? last.duration * 1000 : this.#step;
    this.#step = (position.time - last.time) * 1000;
    return this.#step;
  }
}
