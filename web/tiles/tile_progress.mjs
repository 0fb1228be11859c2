/**
 * How many of a frame's tiles the model has processed, and a button that cancels the rest.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */

import { element, showText } from "../page/element.mjs";
import { padded } from "../page/number_text.mjs";

/** @param {{ view: LiveView, settings: Settings }} page */
export function addTileProgress({ view, settings }) {
  const line = element("tiles", HTMLElement);
  const bar = element("tiles-bar", HTMLProgressElement);
  const count = element("tiles-count", HTMLElement);
  element("tiles-cancel", HTMLButtonElement).addEventListener("click", () =>
    settings.set({ mode: "realtime" }),
  );

  /** @param {FrameReport} report */
  const show = ({ maskTiming, tiles = 0, gazeProgress = 0 }) => {
    // Visible between gazes too, so that nothing moves.
    line.hidden = settings.values.mode === "realtime" || !maskTiming;
    if (line.hidden) return;
    bar.value = gazeProgress;
    const done = String(Math.round(gazeProgress * tiles));
    showText(count, tiles ? `${padded(done, String(tiles).length)} of ${tiles}` : "");
  };
  view.on("frame", show);
  view.on("redraw", show);
}
