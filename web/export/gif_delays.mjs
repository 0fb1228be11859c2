/**
 * The delays of a GIF's pictures.
 * @module
 */

// A GIF counts hundredths of a second in 16 bits, and players show fewer than two of them as ten.
const TICK_MS = 10;
const MIN_TICKS = 2;
const MAX_TICKS = 65_535;

/**
 * Times of pictures as delays, so that every picture starts at the nearest hundredth and the total is right. A
 * picture that would be shown for less than two hundredths is left out: the newer one takes its place.
 * `py/autogaze_web/files/gif_writer.py` does the same.
 */
export class GifDelays {
  /** In hundredths; undefined before the first picture. @type {number | undefined} */
  #start;
  #end = 0;

  /**
   * The delays of the picture before the next one; several if one cannot say it, none if it is left out.
   * @param {number} start of the next picture in milliseconds
   * @param {number} end
   * @returns {number[]} milliseconds
   */
  next(start, end) {
    const tick = Math.round(start / TICK_MS);
    this.#end = end;
    this.#start ??= tick;
    if (tick - this.#start < MIN_TICKS) return [];
    const delays = split(tick - this.#start);
    this.#start = tick;
    return delays;
  }

  /** The delays of the last picture. */
  last() {
    return split(Math.max(MIN_TICKS, Math.round(this.#end / TICK_MS) - (this.#start ?? 0)));
  }
}

/** @param {number} ticks */
function split(ticks) {
  const count = Math.ceil(ticks / MAX_TICKS);
  const edge = (/** @type {number} */ index) => Math.floor((ticks * index) / count);
  return Array.from({ length: count }, (_, index) => (edge(index + 1) - edge(index)) * TICK_MS);
}
