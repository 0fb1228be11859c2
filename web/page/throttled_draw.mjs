/**
 * Draws what changes with every frame only as often as people can follow.
 * @module
 */

const INTERVAL_MS = 250;

export class ThrottledDraw {
  #draw;
  #scheduled = false;

  /** @param {() => void} draw called in a task of its own, so that frames do not wait for it */
  constructor(draw) {
    this.#draw = draw;
  }

  /** Schedules a draw at the end of the current interval, unless one is scheduled already. */
  request() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#draw();
    }, INTERVAL_MS);
  }
}
