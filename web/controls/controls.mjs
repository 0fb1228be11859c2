/**
 * Start and pause below the panels, and in the row of controls the source and the output.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { PlayerState, SourcePlayer } from "../sources/source_player.mjs" */

import { element, showText } from "../page/element.mjs";
import { hideNotice } from "../page/notice.mjs";
import { bindSelect } from "../settings/bound_controls.mjs";

export class Controls {
  #run = element("run", HTMLButtonElement);
  #runText = element("run-text", HTMLElement);

  /** @param {{ settings: Settings, player: SourcePlayer }} page */
  constructor({ settings, player }) {
    element("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    bindSelect("source", settings, "source");
    bindSelect("output-mode", settings, "visualization-mode");
    this.#run.addEventListener("click", () => {
      hideNotice();
      player.toggle();
    });
    player.on("state", (state) => this.#showState(state));
  }

  /** @param {PlayerState} state */
  #showState(state) {
    const isRunning = state === "running";
    this.#run.classList.toggle("running", isRunning);
    showText(this.#runText, isRunning ? "Pause" : "Start");
    this.#run.disabled = state === "asking" || state === "opening";
  }
}
