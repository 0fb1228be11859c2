/**
 * The feature "What a vision model sees", whose code is fetched when it is first opened.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { showError } from "../page/notice.mjs";

/** @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
export function addVision(page) {
  const feature = element("feature-vision", HTMLDetailsElement);
  const open = async () => {
    try {
      const { VisionPanel } = await import("./vision_panel.mjs");
      new VisionPanel(page);
      feature.dataset.ready = "";
    } catch (error) {
      showError(error);
    }
  };
  feature.addEventListener("toggle", open, { once: true });
}
