/**
 * What the view of a vision model says, in words and numbers.
 * @module
 */

/** @import { EncodedFrame, VisionFacts, VisionProjection } from "../../wasm_bridge/autogaze.mjs" */

import { decibels, padded } from "../page/number_text.mjs";

const NUMBER = new Intl.NumberFormat("en");

/** Less is shown as 0.0 ms. */
const LEAST_MS = 0.05;

/** @typedef {NonNullable<VisionFacts["net"]>} Net */

/**
 * A time, in seconds from one second on, in minutes from two minutes on, in hours from two hours on.
 * @param {number} milliseconds
 */
export function timeText(milliseconds) {
  if (milliseconds >= 7.2e6) return `${NUMBER.format(Math.round(milliseconds / 3.6e6))} h`;
  if (milliseconds >= 1.2e5) return `${Math.round(milliseconds / 60_000)} min`;
  if (milliseconds >= 1e5) return `${Math.round(milliseconds / 1000)} s`;
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
}

/**
 * What is seen.
 * @param {number} tokens
 * @param {VisionFacts} facts
 * @param {boolean} keyframe
 */
export function seenText(tokens, { patches }, keyframe) {
  if (keyframe) return `The vision model reads the first frame whole: all ${patches} patches.`;
  return `The vision model rebuilt this frame from ${tokens} of ${patches} patches and what it remembers of earlier frames.`;
}

/**
 * The feature's summary.
 * @param {number} tokens
 * @param {VisionFacts} facts
 */
export function hintText(tokens, { patches }) {
  return `${tokens} of ${patches}`;
}

/** @param {VisionFacts} facts */
export function similarityText({ similarity }) {
  return padded(typeof similarity === "number" ? similarity.toFixed(2) : "–", 5);
}

/** @param {VisionFacts} facts */
export function psnrText({ rebuiltPsnr: psnr }) {
  return psnr === undefined ? "–" : decibels(psnr);
}

/**
 * The rows of the table of what is saved.
 * @param {number} tokens
 * @param {VisionFacts & { net: Net }} facts
 * @returns {{ name: string, gazed: string, all: string }[]}
 */
export function netRows(tokens, { patches, net }) {
  const { gazeMs: gaze, gazedMs: gazed, fullMs: full } = net;
  return [
    { name: "Patches", gazed: String(tokens), all: String(patches) },
    { name: "AutoGaze chooses", gazed: timeText(gaze), all: "–" },
    { name: "The vision model reads", gazed: timeText(gazed), all: timeText(full) },
    { name: "Together", gazed: timeText(gaze + gazed), all: timeText(full) },
  ];
}

/**
 * Whether the gaze pays here, in words.
 * @param {Net} net
 */
export function verdictText({ gazeMs: gaze, gazedMs: gazed, fullMs: full, savedMs: saved, breakEven: even }) {
  if (Math.abs(saved) < LEAST_MS) return "Here the gaze takes as much time as it saves.";
  if (saved > 0) {
    const share = Math.max(1, Math.round((100 * saved) / full));
    return `Here the gaze saves ${share} %: ${timeText(saved)} of ${timeText(full)} a frame.`;
  }
  if (even === "Infinity" || full - gazed < LEAST_MS)
    return (
      `Here the gaze costs more than it saves: this model is so small that reading the chosen patches ` +
      `(${timeText(gazed)}) takes no less than reading all of them (${timeText(full)}). Larger models may gain.`
    );
  return (
    `Here the gaze costs more than it saves: AutoGaze takes ${timeText(gaze)} to save ${timeText(full - gazed)} of ` +
    `reading. It pays off for models at least ${timesText(even)} as slow.`
  );
}

/**
 * Why there is no balance after a stream's first frame.
 * @param {boolean} still whether the source is a still picture
 */
export function keyframeText(still) {
  if (still) return "A still picture is only a first frame: choose a moving source.";
  return "The first frame is read whole, so nothing is saved yet.";
}

/** @param {number} factor at least 1 */
function timesText(factor) {
  return factor < 10 ? `${(Math.ceil(factor * 10) / 10).toFixed(1)} times` : `${Math.ceil(factor)} times`;
}

/**
 * The row of a larger model.
 * @param {VisionProjection} projection
 */
export function projectionRow({ name, tokens, fullGflops: gflops, fullMs: full, gazedMs: gazed }) {
  const saved = Math.round(100 * (1 - gazed / full));
  return {
    name,
    detail: `${NUMBER.format(tokens)} patches, ${NUMBER.format(Math.round(gflops))} billion operations a frame`,
    gazed: timeText(gazed),
    all: timeText(full),
    saved: saved > 0 ? `${saved} %` : "nothing",
  };
}

/**
 * Why nothing is seen yet.
 * @param {{ mode: unknown, chosen: string, gazes: boolean, ready: boolean }} state `chosen`: the mask source; `gazes`:
 *   whether AutoGaze chooses the cells already
 */
export function waitingText({ mode, chosen, gazes, ready }) {
  if (mode !== "realtime")
    return "This model reads whole frames, not tiles: set Mode to Realtime under Settings.";
  if (chosen !== "autogaze") return "This view needs AutoGaze: choose it under Chosen by.";
  if (!gazes) return "Waiting for AutoGaze to load.";
  return ready ? "Waiting for the next gaze." : "Loading the vision model…";
}
