/**
 * The row of controls below the panels: source, start and pause, quality, output.
 * @module
 */

/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { PlayerState, SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { hideNotice } from "../page/notice.mjs";
import { bindSelect, follow } from "../settings/bound_controls.mjs";

export class Controls {
  #settings;
  #run = element("run", HTMLButtonElement);
  #quality = element("quality", HTMLInputElement);
  #qualityValue = element("quality-value", HTMLElement);
  #qualityOption = "patch-diff-threshold";

  /** @param {{ settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ settings, player, maskSource }) {
    this.#settings = settings;
    element("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    bindSelect("source", settings, "source");
    bindSelect("output-mode", settings, "visualization-mode");
    this.#run.addEventListener("click", () => {
      hideNotice();
      player.toggle();
    });
    this.#quality.addEventListener("input", () => {
      settings.set({ [this.#qualityOption]: (100 - Number(this.#quality.value)) / 100 });
    });
    follow(settings, () => this.#showQuality());
    player.on("state", (state) => this.#showState(state));
    maskSource.on("active", (source) => {
      // The slider sets the threshold of the active mask source.
      this.#qualityOption = source === "autogaze" ? "task-loss-requirement" : "patch-diff-threshold";
      this.#showQuality();
    });
  }

  /** @param {PlayerState} state */
  #showState(state) {
    this.#run.textContent = state === "running" ? "Pause" : "Start";
    this.#run.disabled = state === "asking" || state === "opening";
  }

  #showQuality() {
    const { values } = this.#settings;
    element("quality-control", HTMLElement).hidden = values["show-task-loss-slider"] === false;
    const value = values[this.#qualityOption];
    const threshold = value === "off" ? 0 : Number(value);
    this.#quality.value = String(Math.round((1 - threshold) * 100));
    const meaning = this.#qualityOption === "task-loss-requirement" ? "stops at loss" : "changes above";
    const effect = value === "off" ? "never stops early" : `${meaning} threshold ${threshold.toFixed(2)}`;
    const text = `${this.#quality.value} %, ${effect}`;
    this.#qualityValue.textContent = text;
    this.#quality.setAttribute("aria-valuetext", text);
  }
}
