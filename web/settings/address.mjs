/**
 * The page's address follows the settings, so that a reload, the back button and a bookmark open the same page.
 * @module
 */

/** @import { Settings } from "./settings.mjs" */

// Browsers refuse more than a hundred changes in half a minute; a slider makes that many in a second.
const INTERVAL_MS = 500;

/** @param {Settings} settings */
export function addAddress(settings) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let pending = false;
  const write = () => {
    pending = false;
    const address = `${settings.query() || location.pathname}${location.hash}`;
    history.replaceState(history.state, "", address);
  };
  settings.on("change", () => {
    pending = true;
    if (timer) return;
    write();
    timer = setTimeout(() => {
      timer = undefined;
      if (pending) write();
    }, INTERVAL_MS);
  });
}
