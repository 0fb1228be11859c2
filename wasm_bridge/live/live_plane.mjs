/**
 * Who does the pixel work of a live view: Python, or the graphics card where that is wanted and possible. The stream
 * goes on from either to the other.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";

/** @import { OpenPlane } from "./open_plane.mjs" */

export class LivePlane {
  #session;
  #say;
  /** @type {OpenPlane | undefined} */
  #open;
  /** Whether the pixels are on the graphics card. */
  #used = false;
  /** How the graphics card has failed since it was asked for; for tests and measurements. @type {unknown} */
  failure;
  /** The last sentence about it. */
  #said = "";

  /**
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {(message: string) => void} say tells the user why the processor does the work instead
   */
  constructor(session, say) {
    this.#session = session;
    this.#say = say;
  }

  /** The plane on the graphics card while that has the pixels. */
  get gpu() {
    return this.#used ? this.#open?.plane : undefined;
  }

  /** The graphics card was asked for anew: what failed before may work now. */
  reconsider() {
    this.failure = undefined;
    this.#said = "";
  }

  /**
   * Moves the pixels where the next frame wants them; call it before that.
   * @param {number} height of the frame
   * @param {number} width
   */
  async settle(height, width) {
    const wanted = this.#session.wants_gpu && !this.failure && (await this.#takes(height, width));
    if (wanted !== this.#used) await this.#move(wanted);
  }

  /** Moves the pixels to Python if what the last frame is drawn again for wants them there. */
  async settleForRedraw() {
    if (this.#used && !this.#session.wants_gpu) await this.#move(false);
  }

  /**
   * Goes on without the graphics card if that had the pixels.
   * @param {unknown} error of processing a frame
   * @returns {boolean} whether the frame has to be processed again; false if Python had the pixels
   */
  fallBack(error) {
    if (!this.#used) return false;
    this.#lose(error);
    return true;
  }

  /**
   * Waits for what the graphics card does, unless it is lost.
   * @template T
   * @param {Promise<T>} work
   */
  wait(work) {
    return this.#open ? this.#open.loss.until(work) : work;
  }

  /**
   * @param {number} height
   * @param {number} width
   */
  async #takes(height, width) {
    let open = this.#open;
    try {
      open ??= await this.#load();
    } catch (error) {
      this.failure = error;
      this.#tell(messageOf(error));
      return false;
    }
    this.#open = open;
    const refused = open.refusal(height, width);
    if (refused) this.#tell(refused);
    return !refused;
  }

  /** Only a page that wants it needs its code. */
  async #load() {
    const { openPlane } = await import("./open_plane.mjs").catch(() => {
      throw new Error("A part of the page is missing, so the processor does the pixel work: reload it.");
    });
    return openPlane();
  }

  /** @param {boolean} toGpu */
  async #move(toGpu) {
    try {
      if (toGpu) await this.#session.move_to_gpu(this.#open?.calls);
      else await this.#session.move_to_memory();
      this.#used = toGpu;
      if (!toGpu) this.#close();
    } catch (error) {
      this.#lose(error);
    }
  }

  /** @param {unknown} error */
  #lose(error) {
    this.failure = error;
    this.#session.lose_gpu();
    this.#close();
  }

  #close() {
    this.#used = false;
    this.#open?.plane.close();
    this.#open?.device.destroy();
    this.#open = undefined;
  }

  /** @param {string} message */
  #tell(message) {
    if (message !== this.#said) this.#say(message);
    this.#said = message;
  }
}
