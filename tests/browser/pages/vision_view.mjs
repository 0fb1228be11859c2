/**
 * What the view "What a vision model sees" shows, beside what the encoder told it.
 * @module
 */

import { base64 } from "./base64.mjs";
import { pageParts } from "./live_frames.mjs";

/** @typedef {import("../../../wasm_bridge/live/protocol.mjs").EncodedFrame} EncodedFrame */

/** @type {EncodedFrame | undefined} */
let newest;
let count = 0;

/** Remembers every encoded frame from now on. */
export function watch() {
  newest = undefined;
  count = 0;
  pageParts().view.on("encoder-frame", (frame) => {
    newest = frame;
    count += 1;
  });
}

/**
 * Pauses once so many frames have been encoded, and waits until the newest one's numbers are on the page.
 * @param {number} least
 */
export async function pauseAfter(least) {
  const { view, player } = pageParts();
  await new Promise((resolve) => view.on("encoder-frame", () => count >= least && resolve(null)));
  player.pause();
  const hint = /** @type {HTMLElement} */ (document.getElementById("vision-hint"));
  while (hint.textContent !== `${newest?.tokens.length} of ${newest?.vision.patches}`)
    await new Promise(requestAnimationFrame);
}

export function frames() {
  return count;
}

/** Whether the four pictures on the page are those of the newest frame. */
export function pictures() {
  const told = {
    "vision-rebuilt": newest?.rebuilt,
    "vision-full-rebuilt": newest?.fullRebuilt,
    "vision-colours": newest?.colours,
    "vision-full-colours": newest?.fullColours,
  };
  return Object.entries(told).map(([id, pixels]) => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById(id));
    const shown = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
    return { id, told: base64(new Uint8Array(pixels ?? [])), shown: base64(new Uint8Array(shown ?? [])) };
  });
}

export function facts() {
  return { tokens: newest?.tokens.length, full: Boolean(newest?.fullFeatures), ...newest?.vision };
}
