/**
 * The controls of a file, directly under the panels: single frames, the place in it, loop, pace.
 * @module
 */

import { element, showText } from "../page/element.mjs";

/** @typedef {import("../sources/file_source.mjs").FileSource} FileSource */
/** @typedef {import("../settings/settings.mjs").Settings} Settings */

export class PlaybackBar {
  /** Called before a single frame is shown. @type {() => void} */
  onStep = () => {};

  #bar = element("playback", HTMLElement);
  #place = element("place", HTMLInputElement);
  #told = element("place-told", HTMLElement);
  #problem = element("playback-problem", HTMLElement);
  #steps = ["step-back", "step-forward"].map((id) => element(id, HTMLButtonElement));
  #pace = element("file-pace", HTMLSelectElement);
  #loop = element("file-loop", HTMLInputElement);
  /** @type {FileSource | undefined} */
  #file;

  /** @param {Settings} settings */
  constructor(settings) {
    const [back, forward] = this.#steps;
    back?.addEventListener("click", () => this.step(-1));
    forward?.addEventListener("click", () => this.step(1));
    this.#place.addEventListener("input", () => this.#file?.seek(Number(this.#place.value)));

    const pace = settings.option("file-pace");
    this.#pace.append(...(pace.choices ?? []).map(({ value, label }) => new Option(label, value)));
    this.#pace.title = pace.help;
    this.#pace.addEventListener("change", () => settings.give({ "file-pace": this.#pace.value }));
    this.#loop.addEventListener("change", () => settings.give({ "file-loop": this.#loop.checked }));
    const showOptions = () => {
      this.#pace.value = String(settings.values["file-pace"]);
      this.#loop.checked = settings.values["file-loop"] === true;
    };
    settings.onChange(showOptions);
    showOptions();
  }

  /** @param {FileSource | undefined} file none hides the bar */
  showFile(file) {
    this.#file = file;
    this.#bar.hidden = !file;
    if (!file) return;
    file.onChange = () => this.#show(file);
    this.#show(file);
  }

  /**
   * Pauses and shows the frame so many frames from here.
   * @param {number} frames
   */
  step(frames) {
    if (!this.#file) return;
    this.onStep();
    this.#file.step(frames);
  }

  /** @param {FileSource} file */
  #show(file) {
    this.#place.max = String(file.duration);
    this.#place.value = String(file.time);
    const frames = file.count === undefined ? "" : ` · frame ${(file.index ?? 0) + 1} of ${file.count}`;
    const told = `${clock(file.time)} of ${clock(file.duration)}${frames}`;
    showText(this.#told, told);
    this.#place.setAttribute("aria-valuetext", told);
    showText(this.#problem, file.problem);
    for (const control of [...this.#steps, this.#pace]) control.disabled = file.problem !== "";
  }
}

/** @param {number} seconds */
function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(3).padStart(6, "0")}`;
}
