/**
 * The feature "What a vision model sees", whose code is fetched when it is first opened.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { hideNoticeOf, showNotice } from "../page/notice.mjs";

const MISSING = "A part of the page is missing: reload it.";

/**
 * @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page
 * @param {() => Promise<{ VisionPanel: new (setup: typeof page) => object }>} [load] fetches the feature's code
 */
export function addVision(page, load = () => import("./vision_panel.mjs")) {
  const feature = element("feature-vision", HTMLDetailsElement);
  let loading = false;
  /** Each opening tries again until the code is there. */
  const open = async () => {
    if (loading || !feature.open) return;
    loading = true;
    const panel = await load().catch(() => undefined);
    loading = false;
    if (!panel) {
      showNotice(MISSING);
      return;
    }
    hideNoticeOf(MISSING);
    feature.removeEventListener("toggle", open);
    new panel.VisionPanel(page);
  };
  feature.addEventListener("toggle", open);
}
