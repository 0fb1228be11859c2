/**
 * When the last frame is drawn again: once after any number of changes, and after newer cells of a picture that
 * stands still.
 * @module
 */

/** @import { FrameLoop } from "./frame_loop.mjs" */
/** @import { FrameReport } from "./protocol.mjs" */

// Without a frame for so long the picture stands still.
const STILL_MS = 250;

export class DelayedRedraw {
  #loop;
  #onRedrawn;
  #requested = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {FrameLoop} loop
   * @param {(redrawn: { stream: number, report: FrameReport }) => void} onRedrawn
   */
  constructor(loop, onRedrawn) {
    this.#loop = loop;
    this.#onRedrawn = onRedrawn;
  }

  /** Options or mask source were changed. Requests that come before the redraw add none. */
  request() {
    if (this.#requested) return;
    this.#requested = true;
    this.#redraw(true);
  }

  /** There are newer cells: they are drawn unless the next frame comes soon. */
  showNewCells() {
    this.cancel();
    this.#timer = setTimeout(() => this.#redraw(false), STILL_MS);
  }

  /** A frame has come, which shows the newest cells itself. */
  cancel() {
    clearTimeout(this.#timer);
  }

  /** @param {boolean} changed */
  async #redraw(changed) {
    const redrawn = await this.#loop.redraw(changed, () => {
      if (changed) this.#requested = false;
    });
    if (redrawn) this.#onRedrawn(redrawn);
  }
}
