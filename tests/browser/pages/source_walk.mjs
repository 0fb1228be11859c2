/**
 * Opens sources of all kinds out of each other.
 * @module
 */

import { pageParts } from "./live_frames.mjs";

const ROUNDS = 20;
/** No fault: the source that runs continues until the camera is allowed. */
const ASKING = "Waiting for your permission: allow the camera when the browser asks.";

/**
 * Opens every kind of source while each of the others runs, first waiting for their frames, then as fast as a user
 * can who does not wait.
 * @returns {Promise<string[]>} each notice that was shown meanwhile, with the source that was opened
 */
export async function walk() {
  const { view, player, settings } = pageParts();
  const video = new File([await (await fetch("./sample/news.webm")).blob()], "a.webm", {
    type: "video/webm",
  });
  const canvas = new OffscreenCanvas(100, 80);
  canvas.getContext("2d")?.fillRect(0, 0, 50, 50);
  const picture = new File([await canvas.convertToBlob()], "a.png", { type: "image/png" });
  /** @param {File} file */
  const openFile = (file) => {
    player.openFile(file);
    settings.set({ source: player.name });
  };
  /** @type {Record<string, () => void>} */
  const kinds = {
    file: () => openFile(video),
    image: () => openFile(picture),
    ...Object.fromEntries(
      ["camera", "screen", "sample", "synthetic-pan"].map((source) => [
        source,
        () => settings.set({ source }),
      ]),
    ),
  };
  const names = Object.keys(kinds);
  let opened = "";
  /** @type {string[]} */
  const notices = [];
  const text = /** @type {HTMLElement} */ (document.getElementById("notice-text"));
  new MutationObserver(() => {
    if (text.textContent && text.textContent !== ASKING) notices.push(`${opened}: ${text.textContent}`);
  }).observe(text, { childList: true });
  const open = async (/** @type {string} */ name, /** @type {boolean} */ waits) => {
    opened = `${player.name} > ${name}`;
    const frame = new Promise((resolve) => view.on("frame", resolve, { once: true }));
    kinds[name]?.();
    if (waits) await frame;
  };
  for (const pace of ["real-time", "every-frame"]) {
    settings.set({ "file-pace": pace });
    for (const [index, first] of names.entries()) {
      for (const second of names.slice(index + 1)) {
        for (const name of [first, second, first]) await open(name, true);
      }
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index] of names.entries()) {
      await open(names[(index * (1 + (round % 5)) + round) % names.length] ?? "", false);
      await new Promise((resolve) => setTimeout(resolve, (7 * round + index) % 30));
    }
  }
  await open("synthetic-pan", false);
  await open("sample", true);
  return notices;
}
