/**
 * The row of controls below the panels: source, start and pause, output.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { PlayerState, SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { hideNotice } from "../page/notice.mjs";
import { bindSelect } from "../settings/bound_controls.mjs";

export class Controls {
  #run = element("run", HTMLButtonElement);

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
    this.#run.textContent = state === "running" ? "Pause" : "Start";
    this.#run.disabled = state === "asking" || state === "opening";
  }
}
