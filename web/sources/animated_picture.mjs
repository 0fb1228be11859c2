/**
 * An animated GIF, PNG, WebP or AVIF as a file of frames, decoded by the browser's `ImageDecoder`.
 * @module
 */

/** @import { Animation } from "./animation.mjs" */
/** @import { Player, PlayerEvents, Reader } from "./opened_file.mjs" */
/** @import { SourceSetup } from "./source.mjs" */

import { counted } from "../page/number_text.mjs";
import { paddedAvif, wholeWebp } from "./animation.mjs";
import { FileSource } from "./file_source.mjs";
import { turnPicture } from "./webp_orientation.mjs";

// Some APIs round times to microseconds.
const ROUNDING_S = 1e-4;
// Longer timers fire at once.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Whether this browser decodes the frames of animated pictures. */
export function decodesAnimations() {
  return typeof ImageDecoder !== "undefined";
}

/**
 * @param {File} file
 * @param {Animation} animation
 * @param {SourceSetup} setup
 * @returns {Promise<FileSource>}
 * @throws {Error} with a sentence for the user
 */
export async function openAnimation(file, animation, setup) {
  const { name } = file;
  const { type, cut } = animation;
  if (!(await ImageDecoder.isTypeSupported(type))) {
    throw new Error(`"${name}" cannot be shown: this browser does not read ${type}.`);
  }
  const data = cut ? await mended(file, type) : await file.arrayBuffer();
  const decoder = new ImageDecoder({ data, type, preferAnimation: true });
  const reader = new AnimationReader(decoder, animation);
  const player = new AnimationPlayer(reader);
  const missing = cut ? `it ends after ${counted(reader.count, "frame")}` : "";
  const opened = { name, missing, player, openReader: async () => reader, readRate: async () => null };
  return new FileSource(opened, setup);
}

/**
 * What a decoder takes of a picture that was cut off.
 * @param {File} file
 * @param {string} type
 */
async function mended(file, type) {
  if (type === "image/avif") return paddedAvif(file);
  const bytes = await file.arrayBuffer();
  return type === "image/webp" ? wholeWebp(bytes) : bytes;
}

/** @implements {Reader} */
export class AnimationReader {
  damage;

  #decoder;
  #orientation;
  #durations;
  #times;

  /**
   * @param {Pick<ImageDecoder, "decode" | "close">} decoder
   * @param {Pick<Animation, "durations" | "orientation"> & Partial<Animation>} animation
   */
  constructor(decoder, { durations, orientation = 1, cut = false }) {
    this.#decoder = decoder;
    this.#orientation = orientation;
    this.#durations = durations;
    let time = 0;
    this.#times = durations.map((duration) => {
      const start = time;
      time += duration;
      return start;
    });
    this.damage = cut ? `is damaged after ${counted(durations.length, "frame")} (the file is cut off)` : "";
  }

  get count() {
    return this.#times.length;
  }

  /** Of all frames, in seconds. */
  get duration() {
    return this.#durations.reduce((sum, duration) => sum + duration, 0);
  }

  /** @param {number} index */
  timeOf(index) {
    return this.#times[index] ?? 0;
  }

  /** @param {number} index */
  durationOf(index) {
    return this.#durations[index];
  }

  /** @param {number} time in seconds */
  indexAt(time) {
    const after = this.#times.findIndex((each) => each > time + ROUNDING_S);
    return after < 0 ? this.count - 1 : Math.max(0, after - 1);
  }

  /** @param {number} index */
  async frame(index) {
    const decoded = await this.#decoder.decode({ frameIndex: index });
    const image = turnPicture(decoded.image, this.#orientation);
    if (!("displayWidth" in image)) return { image, width: image.width, height: image.height };
    return { image, width: image.displayWidth, height: image.displayHeight };
  }

  /** @param {number} index */
  resumeAfter(index) {
    return index + 1 < this.count ? index + 1 : undefined;
  }

  close() {
    this.#decoder.close();
  }
}

/** @implements {Player} */
export class AnimationPlayer {
  seeking = false;

  #reader;
  #now;
  /** @type {PlayerEvents | undefined} */
  #events;
  /** Seconds into the animation at `#since`, or in a pause. */
  #position = 0;
  /** When it was started, in seconds; undefined in a pause. @type {number | undefined} */
  #since;
  #loop = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {AnimationReader} reader closed with the file
   * @param {() => number} [now] the machine's clock in milliseconds
   */
  constructor(reader, now = () => performance.now()) {
    this.#reader = reader;
    this.#now = now;
  }

  get duration() {
    return this.#reader.duration;
  }

  /** @param {PlayerEvents} events */
  start(events) {
    this.#events = events;
    this.#announce();
  }

  /** @param {boolean} loop */
  play(loop) {
    this.#loop = loop;
    if (this.#since !== undefined) return;
    if (this.#position >= this.duration) this.#position = 0;
    this.#since = this.#now() / 1000;
    this.#schedule();
    this.#announce();
  }

  /** @param {boolean} loop */
  setLoop(loop) {
    this.#loop = loop;
  }

  pause() {
    this.#position = this.#current();
    this.#since = undefined;
    clearTimeout(this.#timer);
  }

  /** @param {number} time in seconds */
  seek(time) {
    this.#position = Math.min(Math.max(time, 0), this.duration);
    if (this.#since !== undefined) {
      this.#since = this.#now() / 1000;
      this.#schedule();
    }
    this.#announce();
  }

  async capture() {
    const index = this.#reader.indexAt(this.#current());
    return { ...(await this.#reader.frame(index)), time: this.#reader.timeOf(index) };
  }

  close() {
    this.pause();
  }

  /** The position in seconds; without a loop it rests at the end. */
  #current() {
    const passed = this.#since === undefined ? 0 : this.#now() / 1000 - this.#since;
    const position = this.#position + passed;
    return this.#loop ? position % this.duration : Math.min(position, this.duration);
  }

  #schedule() {
    clearTimeout(this.#timer);
    const position = this.#current();
    const index = this.#reader.indexAt(position);
    const next = index + 1 < this.#reader.count ? this.#reader.timeOf(index + 1) : this.duration;
    const delay = Math.min(Math.max(1, (next - position) * 1000), MAX_TIMEOUT_MS);
    this.#timer = setTimeout(() => this.#tick(), delay);
  }

  #tick() {
    if (!this.#loop && this.#current() >= this.duration) {
      this.pause();
      this.#events?.onEnded();
      return;
    }
    this.#announce();
    this.#schedule();
  }

  #announce() {
    this.#events?.onPicture(this.#reader.timeOf(this.#reader.indexAt(this.#current())));
  }
}
