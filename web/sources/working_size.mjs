/**
 * The size at which frames are processed where no option says it: chosen by what does the pixel work and how long that
 * takes. Free of clocks and of the page: all times are given.
 * @module
 */

/** @import { FrameReport } from "../../wasm_bridge/autogaze.mjs" */

/** @typedef {{ width: number, height: number }} Size */

/**
 * What is known of a frame that is shown: its report, and milliseconds from its capture to its end.
 * @typedef {{ report: Pick<FrameReport, "pixels" | "pixelsFailure" | "maskTiming" | "gazeStageMs">, milliseconds: number }} Shown
 *
 * @typedef {object} Change of the size
 * @property {Size} from
 * @property {Size} to
 * @property {number} interval milliseconds from one of the source's pictures to the next
 */

/** Lines of the sizes that are tried one after the other, on a picture of 16:9; other shapes fit into the same box. */
const LADDER = /** @type {const} */ ([1080, 720, 540, 360]);
const SHAPE = 16 / 9;

export const LARGEST_WIDTH = LADDER[0] * SHAPE;
export const PROCESSOR_WIDTH = 640;

// The first frames of a size allocate, compile and are keyframes.
const SETTLING_FRAMES = 8;
const WINDOW = 15;
// A single slow second is somebody else's.
const SLOW_WINDOWS = 2;
// Hardly any screen shows more than 60 frames a second.
const SHORTEST_INTERVAL_MS = 1000 / 60;
// A model that is slower than the source leaves the pixels this share of the time.
const SHARE_OF_PIXELS = 0.5;
// A smaller size that saves less than this shows that the size is not what takes the time.
const LEAST_SAVING = 0.1;

export class WorkingSize {
  #held = false;
  #onGpu = false;
  /** Index into `LADDER`. */
  #rung = 0;
  /** Of the newest picture. @type {Size} */
  #own = { width: 1, height: 1 };
  /** The source's interval: the shortest that it had, because an overloaded browser announces fewer pictures. */
  #interval = Number.POSITIVE_INFINITY;
  /** When the last pictures came. @type {number[]} */
  #offers = [];
  #skipped = SETTLING_FRAMES;
  /** @type {{ all: number, model: number }[]} */
  #times = [];
  #slowWindows = 0;
  /** Milliseconds of a frame before the size was last made smaller. */
  #before = Number.POSITIVE_INFINITY;
  /** Whether a smaller size is no help with this source. */
  #settled = false;

  /** Whether frames are as large as the source's, if the machine keeps up. */
  get isLarge() {
    return this.#onGpu;
  }

  /**
   * The size of the next frame.
   * @param {number} width of the source's picture
   * @param {number} height
   * @returns {Size} not rounded
   */
  size(width, height) {
    this.#own = { width, height };
    return this.#current();
  }

  /**
   * Another source is opened. Its first size is one step larger than the last one's: what was too slow there may be
   * fast enough here, and is found out again if not.
   */
  newSource() {
    this.#rung = Math.max(0, this.#rung - 1);
    this.#measureAnew();
  }

  /**
   * Keeps the size as it is, as during a recording, or no longer.
   * @param {boolean} held
   */
  hold(held) {
    this.#held = held;
    this.interrupt();
  }

  /**
   * What was measured up to now no longer counts: the source was paused, the page hidden, an option changed.
   * @param {number} [frames] that do not count either
   */
  interrupt(frames = SETTLING_FRAMES) {
    this.#skipped = Math.max(this.#skipped, frames);
    this.#times = [];
    this.#offers = [];
    this.#slowWindows = 0;
  }

  /** What an interruption was for is over: only frames that settle do not count from here. */
  settle() {
    this.#skipped = 0;
    this.interrupt();
  }

  /**
   * The source has a new picture, whether or not it is processed.
   * @param {number} now in milliseconds
   */
  offered(now) {
    this.#offers = [...this.#offers.slice(-WINDOW), now];
  }

  /**
   * A frame is shown.
   * @param {Shown} shown
   * @param {boolean} counts whether its time says something about the size
   * @returns {Change | undefined} a smaller size, if the frames of this one took too long
   */
  shown({ report, milliseconds }, counts = true) {
    if (this.#held) return undefined;
    if (this.#moved(report) || !this.#onGpu || !counts) return undefined;
    if (this.#skipped > 0) {
      this.#skipped -= 1;
      return undefined;
    }
    const model = report.maskTiming === "own" ? (report.gazeStageMs?.model ?? 0) : 0;
    this.#times.push({ all: milliseconds, model });
    return this.#times.length < WINDOW ? undefined : this.#decide();
  }

  /**
   * Follows the pixels to and from the graphics card.
   * @param {Shown["report"]} report
   */
  #moved({ pixels, pixelsFailure }) {
    const onGpu = pixels === "gpu";
    if (onGpu === this.#onGpu) return false;
    this.#onGpu = onGpu;
    // It may work with smaller frames; the same ones would fail again.
    if (!onGpu && pixelsFailure !== undefined) this.#rung = this.#smaller() ?? this.#rung;
    this.#measureAnew();
    return true;
  }

  /** @returns {Change | undefined} */
  #decide() {
    const [all, model] = [
      median(this.#times.map((time) => time.all)),
      median(this.#times.map((time) => time.model)),
    ];
    this.#times = [];
    const gaps = this.#offers.slice(1).map((time, i) => time - (this.#offers[i] ?? 0));
    if (gaps.length < WINDOW) return undefined;
    this.#interval = Math.max(SHORTEST_INTERVAL_MS, Math.min(this.#interval, median(gaps)));
    const isSlow = all - model > Math.max(this.#interval - model, this.#interval * SHARE_OF_PIXELS);
    this.#slowWindows = isSlow ? this.#slowWindows + 1 : 0;
    if (this.#settled || this.#slowWindows < SLOW_WINDOWS) return undefined;
    const rung = this.#smaller();
    this.#settled = rung === undefined || all > this.#before * (1 - LEAST_SAVING);
    if (this.#settled || rung === undefined) return undefined;
    const from = this.#current();
    this.#rung = rung;
    this.#before = all;
    this.interrupt();
    return { from, to: this.#current(), interval: this.#interval };
  }

  /** The first step down the ladder that makes this source's frames smaller. */
  #smaller() {
    const now = fitted(this.#own, this.#rung).width;
    const next = LADDER.findIndex((_, rung) => rung > this.#rung && fitted(this.#own, rung).width < now);
    return next < 0 ? undefined : next;
  }

  #measureAnew() {
    this.interrupt();
    this.#interval = Number.POSITIVE_INFINITY;
    this.#before = Number.POSITIVE_INFINITY;
    this.#settled = false;
  }

  #current() {
    const { width, height } = this.#own;
    if (this.#onGpu) return fitted(this.#own, this.#rung);
    return { width: PROCESSOR_WIDTH, height: (height * PROCESSOR_WIDTH) / width };
  }
}

/**
 * A picture's own size, or as much of it as fits into a step of the ladder, upright or not.
 * @param {Size} own
 * @param {number} rung index into `LADDER`
 * @returns {Size}
 */
function fitted({ width, height }, rung) {
  const lines = LADDER[rung] ?? PROCESSOR_WIDTH;
  const shrink = Math.min(1, lines / Math.min(width, height), (lines * SHAPE) / Math.max(width, height));
  return { width: width * shrink, height: height * shrink };
}

/** @param {number[]} numbers at least one */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
