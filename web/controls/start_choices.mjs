/**
 * The choice of the camera over the pictures: it is asked for on a click only.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element, showText } from "../page/element.mjs";
import { hideNotice, showError } from "../page/notice.mjs";

const RETRY = "press Use my camera";

/** @param {{ settings: Settings, player: SourcePlayer }} page */
export function addStartChoices({ settings, player }) {
  const status = element("start-status", HTMLElement);
  let isAsking = false;
  element("use-camera", HTMLButtonElement).addEventListener("click", async () => {
    if (isAsking) return;
    isAsking = true;
    hideNotice();
    const meanwhile = player.state === "running" ? " Until then the picture below plays on." : "";
    showText(status, `Allow the camera when the browser asks.${meanwhile}`);
    try {
      await player.requestCamera(RETRY, { onAllowed: () => settings.set({ source: "camera" }) });
    } catch (error) {
      showError(error);
    }
    showText(status, "");
    isAsking = false;
  });
}
