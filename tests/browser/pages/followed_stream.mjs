/**
 * Follows a stream for the soak: the frame that was sent last, and how much has come back.
 * @module
 */

import { pageParts } from "./live_frames.mjs";

/** @type {{ until: number, resolve: () => void }[]} */
const waiting = [];
const counts = { done: 0, withoutModel: 0, models: 0 };
/** @type {object | null} */
let lastSent = null;

/** Begins. */
export function follow() {
  const { view } = pageParts();
  const send = view.send.bind(view);
  view.send = (frame) => {
    const { width, height } = frame;
    const [synthetic, index] = "synthetic" in frame ? [frame.synthetic, frame.index] : ["", 0];
    lastSent = { synthetic, index, width, height };
    return send(frame);
  };
  view.on("frame", (report) => {
    counts.done += 1;
    if (report.gazes === undefined) counts.withoutModel += 1;
    while (waiting[0] && waiting[0].until <= counts.done) waiting.shift()?.resolve();
  });
  view.on("model-ready", () => {
    counts.models += 1;
  });
}

/** How often something happened. @param {keyof typeof counts} name */
export function count(name) {
  return counts[name];
}

export function newestSent() {
  return lastSent;
}

/**
 * Waits until N more frames have been shown.
 * @param {number} frames
 * @param {number} limit in milliseconds
 */
export function waitFrames(frames, limit) {
  return new Promise((resolve, reject) => {
    const until = counts.done + frames;
    const late = setTimeout(
      () => reject(new Error(`${until - counts.done} of ${frames} frames are missing`)),
      limit,
    );
    waiting.push({
      until,
      resolve: () => {
        clearTimeout(late);
        resolve(undefined);
      },
    });
    waiting.sort((a, b) => a.until - b.until);
  });
}

/**
 * Waits for a frame that was worked on by the processor or by the graphics card.
 * @param {"cpu" | "gpu"} pixels
 * @param {number | null} width of the frame, if it matters
 */
export async function waitPixels(pixels, width) {
  const { view } = pageParts();
  /** @type {import("../../../wasm_bridge/autogaze.mjs").FrameReport} */
  let report;
  do report = await new Promise((resolve) => view.on("frame", resolve, { once: true }));
  while (report.pixels !== pixels || (width !== null && report.width !== width));
}

/**
 * Waits until more models have become ready than these.
 * @param {number} models
 */
export async function waitModels(models) {
  const { view } = pageParts();
  while (counts.models <= models)
    await new Promise((resolve) => view.on("model-ready", resolve, { once: true }));
}
