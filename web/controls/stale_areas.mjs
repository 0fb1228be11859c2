/**
 * What the rebuilt output leaves behind: a tint over the areas that differ visibly from the input, and a keyframe.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { bindCheckbox, follow } from "../settings/bound_controls.mjs";

const BLOCK = { width: 32, height: 16 };

/** @param {{ view: LiveView, settings: Settings, player: SourcePlayer }} page */
export function addStaleAreas({ view, settings, player }) {
  const canvas = element("stale", HTMLCanvasElement);
  bindCheckbox("tint-stale", settings, "tint-stale");
  const isRebuilt = () => settings.values["visualization-mode"] === "interframe";
  follow(settings, () => {
    canvas.hidden = !isRebuilt() || settings.values["tint-stale"] !== true;
    element("stale-row", HTMLElement).classList.toggle("off", !isRebuilt());
  });
  element("refresh", HTMLButtonElement).addEventListener("click", () => {
    view.refresh();
    player.redrawIfPaused();
  });
  for (const event of /** @type {const} */ (["frame", "redraw"]))
    view.on(event, (report) => !canvas.hidden && tint(canvas, report));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {FrameReport} report
 */
function tint(canvas, { width, height, stale }) {
  const context = canvas.getContext("2d");
  if (!context) return;
  if (canvas.width === width && canvas.height === height) context.clearRect(0, 0, width, height);
  else Object.assign(canvas, { width, height }); // this clears it as well
  if (!stale?.blocks.includes("1")) return;
  context.fillStyle = getComputedStyle(canvas).color;
  for (let at = stale.blocks.indexOf("1"); at >= 0; at = stale.blocks.indexOf("1", at + 1)) {
    const [row, column] = [Math.floor(at / stale.columns), at % stale.columns];
    context.fillRect(column * BLOCK.width, row * BLOCK.height, BLOCK.width, BLOCK.height);
  }
}
