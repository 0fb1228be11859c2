/**
 * The controls of a file below the panels: single frames, position, loop, speed.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { FileSource } from "../sources/file_source.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element, showText } from "../page/element.mjs";
import { bindCheckbox, bindSelect } from "../settings/bound_controls.mjs";
import { timeText } from "./time_text.mjs";

export class PlaybackBar {
  #bar = element("playback", HTMLElement);
  #position = element("position", HTMLInputElement);
  #positionText = element("position-text", HTMLElement);
  #problem = element("playback-problem", HTMLElement);
  #counting = element("counting", HTMLElement);
  #steps = ["step-back", "step-forward"].map((id) => element(id, HTMLButtonElement));
  #pace;
  /** @type {FileSource | undefined} */
  #file;

  /** @param {{ settings: Settings, player: SourcePlayer }} page */
  constructor({ settings, player }) {
    this.#steps.forEach((button, index) => {
      button.addEventListener("click", () => {
        player.pause();
        this.#file?.step(index === 0 ? -1 : 1);
      });
    });
    element("counting-cancel", HTMLButtonElement).addEventListener("click", () =>
      this.#file?.cancelCounting(),
    );
    this.#position.addEventListener("input", () => this.#file?.seek(Number(this.#position.value)));
    this.#pace = bindSelect("file-pace", settings, "file-pace");
    bindCheckbox("file-loop", settings, "file-loop");
    player.on("source", (source) => this.#setFile(source?.playback));
    player.on("position", (file) => this.#show(file));
    // From the moment a file is being opened, so that nothing jumps once it is.
    player.on("state", () => {
      this.#bar.hidden = !player.hasFile;
    });
  }

  /** @param {FileSource | undefined} file undefined if none is open */
  #setFile(file) {
    this.#file = file;
    if (file) this.#show(file);
  }

  /** @param {FileSource} file */
  #show(file) {
    this.#position.max = String(file.duration);
    this.#position.value = String(file.time);
    const frames = file.count === undefined ? "" : ` · frame ${(file.index ?? 0) + 1} of ${file.count}`;
    const duration = file.duration > 0 ? ` of ${timeText(file.duration)}` : "";
    const text = `${timeText(file.time)}${duration}${frames}`;
    showText(this.#positionText, text);
    this.#position.setAttribute("aria-valuetext", text);
    showText(this.#problem, file.problem || file.damage);
    this.#showCounting(file.counting);
    for (const control of [...this.#steps, this.#pace]) control.disabled = file.problem !== "";
  }

  /** @param {FileSource["counting"]} progress undefined unless frames are counted */
  #showCounting(progress) {
    const row = /** @type {HTMLElement} */ (this.#counting.parentElement);
    row.hidden = !progress;
    if (!progress) return;
    const { frames, share } = progress;
    const part = share === undefined ? "" : ` (${Math.floor(100 * share)} %)`;
    showText(this.#counting, `Counting frames: ${frames.toLocaleString("en")}${part}`);
  }
}
