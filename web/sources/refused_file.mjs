/**
 * Opens a file that may be refused: then what was open before opens again.
 * @module
 */

/** @import { SelectedMedia } from "./selected_media.mjs" */

import { messageOf, showError, showNotice } from "../page/notice.mjs";
import { mediaKind } from "./file_kind.mjs";

/**
 * What a refused file goes back to: a source and what was selected for it, unless it cannot be opened again; of a file
 * the position in seconds, too.
 * @typedef {{ name: string, selected: SelectedMedia, returns: boolean, isPaused: boolean, time: number | undefined }} Before
 */

/**
 * What it needs of the player.
 * @typedef {object} Opener
 * @property {() => Before} current what is open
 * @property {(name: string, selected: SelectedMedia) => Promise<unknown>} open a source instead, and say what was
 *   wrong unless another one was opened since
 * @property {() => AbortSignal} attempt of the source that was opened last, aborted once it is closed
 * @property {(before: Before) => Promise<void>} settle pauses and goes to the position, as it was
 */

export class RefusedFile {
  #opener;
  /** While a file is opened, or what was there before it. @type {Before | undefined} */
  #before;

  /** @param {Opener} opener */
  constructor(opener) {
    this.#opener = opener;
  }

  /** A source was closed or runs: if a file is refused from now on, there is nothing older to go back to. */
  forget() {
    this.#before = undefined;
  }

  /**
   * Opens a picture or a video instead of the current source, which is opened again if the file cannot be: paused if
   * it was paused, and a file where it was.
   * @param {File} file
   * @param {(name: string) => void} [onNamed] called with the name of each source that opens
   */
  async open(file, onNamed) {
    const name = (await mediaKind(file)) === "video" ? "file" : "image";
    // A file that is still being opened may be refused as well.
    const before = this.#before ?? this.#opener.current();
    const opening = this.#opener.open(name, { ...before.selected, [name]: file });
    this.#before = before;
    onNamed?.(name);
    const error = await opening;
    if (error === undefined) return;
    if (before.returns) await this.#return(before, error, onNamed);
    else showError(error);
  }

  /**
   * Opens again what was there before a file was refused.
   * @param {Before} before
   * @param {unknown} refusal why the file was refused, which is shown at once: a camera or an address can take long
   * @param {((name: string) => void) | undefined} onNamed
   */
  async #return(before, refusal, onNamed) {
    const opening = this.#opener.open(before.name, before.selected);
    this.#before = before;
    const attempt = this.#opener.attempt();
    onNamed?.(before.name);
    if (!attempt.aborted) showError(refusal);
    const error = await opening;
    if (error !== undefined) showNotice(`${messageOf(refusal)} ${messageOf(error)}`);
    if (!attempt.aborted) await this.#opener.settle(before);
  }
}
