/**
 * Draws what changes with every frame, but only as often as people can follow.
 * @module
 */

const PAUSE_MS = 250;

export class Redraw {
  #draw;
  #due = false;

  /** @param {() => void} draw in a task of its own, so that frames do not wait for it */
  constructor(draw) {
    this.#draw = draw;
  }

  /** Something has changed: it is drawn at the end of the present pause. */
  ask() {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      this.#draw();
    }, PAUSE_MS);
  }
}
