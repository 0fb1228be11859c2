/**
 * Has the page follow its settings: the worker, the source, the model, what is shown.
 * @module
 */

import { element } from "../page/element.mjs";

/** @typedef {import("./settings.mjs").Settings} Settings */

/** Elements that an option shows or hides. */
const SHOWN = {
  "show-fps": "speed",
  "show-gaze-ratio": "ratio",
  "show-psnr": "psnr",
  "show-task-loss-slider": "quality-control",
};

/**
 * @param {Settings} settings
 * @param {object} parts of the page
 * @param {import("../../wasm_bridge/autogaze.mjs").LiveView} parts.view
 * @param {import("../sources/source_player.mjs").SourcePlayer} parts.player
 * @param {import("../model/mask_source.mjs").MaskSource} parts.maskSource
 */
export function applySettings(settings, parts) {
  const { view, player, maskSource } = parts;
  const { values } = settings;
  view.setOptions(values);
  showWanted(settings);
  settings.onChange((changed) => {
    view.setOptions(values);
    showWanted(settings);
    redrawIfPaused(parts);
    const restarts = new Set(changed.map((name) => settings.option(name).restarts));
    player.optionsChanged(changed, restarts.has("source"));
    const source = String(values["mask-source"]);
    if (source !== maskSource.chosen) maskSource.choose(source);
    else if (restarts.has("model") && source === "autogaze") {
      const otherModel = changed.includes("config-url") || changed.includes("weights-url");
      if (otherModel) maskSource.choose(source);
      else maskSource.reload();
    }
  });
}

/**
 * A picture that stands still follows the settings too.
 * @param {object} parts
 * @param {import("../../wasm_bridge/autogaze.mjs").LiveView} parts.view
 * @param {import("../sources/source_player.mjs").SourcePlayer} parts.player
 */
export function redrawIfPaused({ view, player }) {
  if (player.state === "paused") view.redraw();
}

/** @param {Settings} settings */
function showWanted({ values }) {
  for (const [name, id] of Object.entries(SHOWN)) element(id, HTMLElement).hidden = values[name] === false;
}
