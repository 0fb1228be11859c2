/**
 * Checks a model against what NVIDIA's QUICK_START prints for its example clip: the page's side of
 * `py/autogaze_web/native/example_check.py`, with the same clip and the same numbers. Fetched when it is needed.
 * @module
 */

/** @import { CreateOptions } from "../../wasm_bridge/autogaze.mjs" */

import { AutoGaze } from "../../wasm_bridge/autogaze.mjs";
import { counted } from "../page/number_text.mjs";

const FOLDER = new URL("../../check/", import.meta.url);

/**
 * `example_input.json`.
 * @typedef {object} Expected
 * @property {number} frames
 * @property {number} side of a frame in pixels
 * @property {number} task_loss_requirement
 * @property {number} slots padding included
 * @property {number} real
 * @property {number[]} slots_each_frame
 *
 * @typedef {{ slots: number, real: number, each: number[] }} GazeCounts
 */

/**
 * The clip's frames and what is expected of them.
 * @returns {Promise<{ expected: Expected, picture: ImageBitmap }>} `picture` has the frames below one another
 */
export async function loadExample() {
  const files = ["example_input.json", "example_input.webp"].map((name) => fetch(new URL(name, FOLDER)));
  const [numbers, frames] = await Promise.all(files);
  if (!numbers?.ok || !frames?.ok)
    throw new Error("The example clip is missing: build the site with make site.");
  const picture = await createImageBitmap(await frames.blob(), { colorSpaceConversion: "none" });
  return { expected: await numbers.json(), picture };
}

/**
 * What frames came to.
 * @param {{ cells: number, paddedTokens?: number }[]} frames results
 * @returns {GazeCounts}
 */
export function countsOf(frames) {
  const each = frames.map(({ cells, paddedTokens = 0 }) => cells + paddedTokens);
  return {
    slots: each.reduce((sum, slots) => sum + slots, 0),
    real: frames.reduce((sum, { cells }) => sum + cells, 0),
    each,
  };
}

/**
 * @param {GazeCounts} counts
 * @returns {string} such as "348 slots, 213 of them real, 198 in the first frame, then 15 times 10"
 */
export function countsText({ slots, real, each }) {
  /** @type {[count: number, times: number][]} */
  const runs = [];
  for (const count of each) {
    const last = runs.at(-1);
    if (last?.[0] === count) last[1] += 1;
    else runs.push([count, 1]);
  }
  const parts = runs.map(([count, times]) => (times > 1 ? `${times} times ${count}` : String(count)));
  return `${slots} slots, ${real} of them real; of each frame ${parts.join(", then ")}`;
}

/**
 * Whether the model does as expected, in words.
 * @param {GazeCounts} counts
 * @param {Expected} expected
 * @param {boolean} isReleased whether these are NVIDIA's weights, from NVIDIA's address
 * @returns {{ holds: boolean, text: string }}
 */
export function verdict(counts, { slots, real, slots_each_frame }, isReleased) {
  const wanted = { slots, real, each: slots_each_frame };
  const difference = differenceText(counts, wanted);
  if (!difference)
    return { holds: true, text: `Yes: ${countsText(counts)}, as NVIDIA’s QUICK_START prints.` };
  const meaning = isReleased
    ? "These are NVIDIA’s weights, so they should agree: please report this."
    : "That was to be expected unless these are NVIDIA’s released weights.";
  const text = `No: this model chooses ${countsText(counts)}; NVIDIA’s QUICK_START prints ${countsText(wanted)}. ${difference} ${meaning}`;
  return { holds: false, text };
}

/**
 * What differs first, in a sentence; empty if nothing does.
 * @param {GazeCounts} counts
 * @param {GazeCounts} wanted
 */
function differenceText({ each, real }, wanted) {
  const frames = wanted.each.flatMap((slots, index) => (each[index] === slots ? [] : [index]));
  const [first, ...more] = frames;
  if (first !== undefined) {
    const others = `, and ${counted(more.length, "more frame")} ${more.length === 1 ? "differs" : "differ"}`;
    return `Frame ${first + 1} has ${each[first] ?? 0} slots instead of ${wanted.each[first]}${more.length > 0 ? others : ""}.`;
  }
  return real === wanted.real
    ? ""
    : `Every frame has its slots, but ${real} are real instead of ${wanted.real}.`;
}

/**
 * Runs the example clip through a model, in a worker of its own.
 * @param {CreateOptions} model
 * @param {{ isReleased: boolean, signal: AbortSignal, onProgress: (text: string) => void }} how see `verdict`
 */
export async function checkModel(model, { isReleased, signal, onProgress }) {
  const { expected, picture } = await loadExample();
  const gaze = await AutoGaze.create({
    ...model,
    maxTokens: 0,
    settings: { taskLossRequirement: expected.task_loss_requirement },
    signal,
    onProgress: (step) => onProgress(`${step}…`),
  });
  try {
    const clip = await gaze.inferClip(pixelsOf(picture), {
      width: expected.side,
      height: expected.side,
      frames: expected.frames,
      panels: false,
      signal,
      onProgress: (done, total) => onProgress(`Frame ${Math.floor(done)} of ${total}…`),
    });
    return { ...verdict(countsOf(clip.frames), expected, isReleased), backend: gaze.backend };
  } finally {
    gaze.close();
    picture.close();
  }
}

/** @param {ImageBitmap} picture */
function pixelsOf(picture) {
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d", {
    willReadFrequently: true,
  });
  if (!context) throw new Error("This browser cannot read the pixels of a picture: use a newer one.");
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height).data;
}
