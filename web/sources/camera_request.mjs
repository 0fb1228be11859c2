/**
 * Asks for the camera while another source goes on.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourceSetup } from "./source.mjs" */

import { hideNoticeOf, showError, showNotice } from "../page/notice.mjs";
import { requestCamera } from "./camera.mjs";

const ASKING = "Waiting for your permission: allow the camera when the browser asks.";

/**
 * What it needs of the player.
 * @typedef {object} Asker
 * @property {Settings} settings
 * @property {() => string} name of the source that is open
 * @property {() => SourceSetup} setup whose signal is aborted once another source is opened
 * @property {() => string | undefined} device the id of the camera that the user chose
 * @property {(stream: MediaStream) => Promise<void>} open the camera that was allowed
 */

/**
 * `onAllowed` is called when the camera opens, `isWanted` asked whether it still should.
 * @typedef {{ onAllowed?: () => void, isWanted?: () => boolean }} Request
 */

export class CameraRequest {
  #asker;
  /** Of the source that continues while the user is asked. @type {AbortSignal | undefined} */
  #asking;

  /** @param {Asker} asker */
  constructor(asker) {
    this.#asker = asker;
  }

  /**
   * Asks for the camera and opens it. The current source goes on until the user allows the camera; if another one is
   * opened meanwhile, nothing more happens.
   * @param {string} retry what the user has to do to be asked again, for the error
   * @param {Request} [request]
   * @throws {Error} with a sentence for the user; the current source goes on
   */
  async ask(retry, { onAllowed = () => {}, isWanted = () => true } = {}) {
    const setup = this.#asker.setup();
    const { signal } = setup;
    /** @type {MediaStream} */
    let stream;
    try {
      stream = await requestCamera(setup, this.#asker.device(), retry);
    } catch (error) {
      if (signal.aborted || !isWanted()) return;
      throw error;
    }
    if (signal.aborted || !isWanted()) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    const opening = this.#asker.open(stream);
    onAllowed();
    await opening;
  }

  /** Asks for the camera, which was chosen in the list. The current source continues until it is allowed. */
  async askAsChosen() {
    const { settings } = this.#asker;
    showNotice(ASKING);
    const { signal } = this.#asker.setup();
    if (this.#asking === signal) return;
    this.#asking = signal;
    try {
      await this.ask("choose it again", { isWanted: () => settings.values.source === "camera" });
    } catch (error) {
      settings.set({ source: this.#asker.name() });
      showError(error);
    } finally {
      if (this.#asking === signal) {
        this.#asking = undefined;
        hideNoticeOf(ASKING);
      }
    }
  }

  /** The camera is not chosen in the list any more. */
  withdraw() {
    hideNoticeOf(ASKING);
  }
}
