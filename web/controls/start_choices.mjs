/**
 * The choices over the pictures: the camera, a file, a sample. The camera is asked for on a click only.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element, showText } from "../page/element.mjs";
import { hideNotice, showError } from "../page/notice.mjs";
import { follow } from "../settings/bound_controls.mjs";

const SAMPLES = ["sample", "synthetic-pan", "synthetic-pulse", "synthetic-local-motion"];
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
      await player.requestCamera(RETRY, () => settings.set({ source: "camera" }));
    } catch (error) {
      showError(error);
    }
    showText(status, "");
    isAsking = false;
  });
  addSamples(settings, player);
}

/**
 * @param {Settings} settings
 * @param {SourcePlayer} player
 */
function addSamples(settings, player) {
  const menu = element("samples", HTMLDetailsElement);
  const choices = settings.option("source").choices ?? [];
  const buttons = new Map(SAMPLES.map((name) => [name, document.createElement("button")]));
  for (const [name, button] of buttons) {
    button.type = "button";
    button.textContent = choices.find(({ value }) => value === name)?.label ?? name;
    button.addEventListener("click", () => {
      close();
      hideNotice();
      // The one that is open already starts over.
      if (settings.values.source === name) player.open(name);
      else settings.set({ source: name });
    });
    const item = document.createElement("li");
    item.append(button);
    element("samples-list", HTMLElement).append(item);
  }
  follow(settings, () => {
    for (const [name, button] of buttons)
      button.ariaCurrent = settings.values.source === name ? "true" : null;
  });

  function close() {
    if (!menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
  menu.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  document.addEventListener("pointerdown", ({ target }) => {
    if (!(target instanceof Node && menu.contains(target))) menu.open = false;
  });
}
