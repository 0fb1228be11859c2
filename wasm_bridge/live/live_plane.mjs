/**
 * Who does the pixel work of a live view: Python, or the graphics card where that is wanted and possible. The stream
 * goes on from either to the other.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { unusable } from "./device_loss.mjs";

/** @import { OpenPlane } from "./open_plane.mjs" */

const FRAME_LOST =
  "The graphics card failed, and this frame is lost with it: press Start to go on with the processor.";

export class LivePlane {
  #session;
  #say;
  #load;
  #modelDevice;
  /** @type {OpenPlane | undefined} */
  #open;
  /** Whether the pixels are on the graphics card. */
  #used = false;
  /** How the graphics card has failed since it was asked for; for tests and measurements. @type {unknown} */
  failure;
  /** Pixels of the present frame. */
  #pixels = 0;
  /** Pixels of the frames at which it failed without being lost: smaller ones may still fit its memory. */
  #tooMany = 0;
  /** The last sentence about it. */
  #said = "";

  /**
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {(message: string) => void} say tells the user why the processor does the work instead
   * @param {() => GPUDevice | undefined} modelDevice the device of the model in use, if it is on a graphics card
   * @param {(model?: GPUDevice) => Promise<OpenPlane>} load opens the graphics card, on a model's device if there is one
   */
  constructor(session, say, modelDevice = () => undefined, load = loadPlane) {
    this.#session = session;
    this.#say = say;
    this.#modelDevice = modelDevice;
    this.#load = load;
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
    this.#pixels = height * width;
    if (this.#pixels < this.#tooMany) this.failure = undefined;
    const isWanted = this.#session.wants_gpu;
    if (this.#strays) {
      this.#session.expect_frame(height, width);
      await this.#move(false);
    }
    const wanted = isWanted && !this.failure && (await this.#takes(height, width));
    if (wanted !== this.#used) {
      // Nothing is moved of frames of another size: nobody needs them, and they may be too large for where they went.
      this.#session.expect_frame(height, width);
      await this.#move(wanted);
    } else if (!isWanted && this.#open) this.#close(); // its frames were too large
  }

  /** Moves the pixels to Python if what the last frame is drawn again for wants them there. */
  async settleForRedraw() {
    if (this.#used && !this.#session.wants_gpu) await this.#move(false);
  }

  /**
   * Goes on without the graphics card if it has failed.
   * @param {unknown} error of processing a frame
   * @returns {boolean} whether the frame has to be processed again; false if the error is another one
   */
  fallBack(error) {
    if (!this.#used || !this.#open?.loss.failure) return false;
    this.#lose(error);
    return true;
  }

  /** There is no frame to draw again. The user learns it if that is because it was lost with the graphics card. */
  tellOfLostFrame() {
    if (this.failure) this.#say(FRAME_LOST);
  }

  /**
   * Waits for what the graphics card does, unless it is lost.
   * @template T
   * @param {Promise<T>} work
   */
  wait(work) {
    return this.#open ? this.#open.loss.until(work) : work;
  }

  /** Whether the model in use came with a device of its own: the pixels follow it there. */
  get #strays() {
    const model = this.#modelDevice();
    return this.#used && model !== undefined && this.#open?.device !== model;
  }

  /**
   * @param {number} height
   * @param {number} width
   */
  async #takes(height, width) {
    let open = this.#open;
    try {
      open ??= await this.#load(this.#modelDevice());
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
    const { happened = false, failure = error } = this.#open?.loss ?? {};
    this.failure = failure;
    // A loss costs one keyframe, which nobody has to know. What the browser rejects its own promises with may come
    // before the news of the loss.
    const isLost = happened || failure instanceof DOMException;
    this.#tooMany = isLost ? 0 : this.#pixels;
    if (!isLost) this.#tell(unusable(failure));
    this.#session.lose_gpu();
    this.#close();
  }

  #close() {
    this.#used = false;
    this.#open?.plane.close();
    this.#open?.giveBack();
    this.#open = undefined;
  }

  /** @param {string} message */
  #tell(message) {
    if (message !== this.#said) this.#say(message);
    this.#said = message;
  }
}

/**
 * Only a page that wants it needs its code.
 * @param {GPUDevice} [model]
 */
async function loadPlane(model) {
  const { openPlane } = await import("./open_plane.mjs").catch(() => {
    throw new Error("A part of the page is missing, so the processor does the pixel work: reload it.");
  });
  return openPlane(model);
}
