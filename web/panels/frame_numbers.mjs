/**
 * The numbers of a frame over and below the panels.
 * @module
 */

/** @import { FrameReport } from "../../wasm_bridge/autogaze.mjs" */

import { decibels, decimal, NO_BREAK_SPACE, percent } from "../page/number_text.mjs";

const WINDOW_MS = 1000;
// A narrow panel breaks the line after the dot.
const SEPARATOR = `${NO_BREAK_SPACE}· `;

/** Events per second over the last second, or between the last two events if they are further apart. */
export class Rate {
  /** @type {number[]} */
  #times = [];

  /** @param {number} now in milliseconds */
  add(now) {
    this.#times.push(now);
    this.#times = this.#times.filter((time, i, { length }) => i >= length - 2 || time >= now - WINDOW_MS);
  }

  /** @returns {number} NaN until there have been two events */
  get perSecond() {
    const [first, last] = [this.#times.at(0), this.#times.at(-1)];
    if (first === undefined || last === undefined || first === last) return Number.NaN;
    return ((this.#times.length - 1) * 1000) / (last - first);
  }
}

/**
 * @param {Rate} shown frames painted
 * @param {Rate | undefined} model frames that a model has finished; undefined without one
 */
export function speedText(shown, model) {
  const rate = joined(decimal(shown.perSecond), "fps");
  return model ? `${rate}${SEPARATOR}${joined("model", decimal(model.perSecond), "fps")}` : rate;
}

/** @param {FrameReport} report */
export function updateText({ update_ratio, update_ratio_ema }) {
  return `${joined(percent(update_ratio), "updated")}${SEPARATOR}${joined("average", percent(update_ratio_ema))}`;
}

/** @param {FrameReport} report */
export function psnrText({ psnr, psnr_ema }) {
  return `${joined("PSNR", decibels(psnr))}${SEPARATOR}${joined("average", decibels(psnr_ema))}`;
}

/**
 * @param {FrameReport} report
 * @param {number} skipped frames replaced by newer ones
 * @param {string} backend of the model
 */
export function factsText(report, skipped, backend) {
  const milliseconds = Object.values(report.stage_ms).reduce((sum, each) => sum + each, 0);
  return [
    ...modelFacts(report, backend),
    `${report.width}×${report.height} pixels`,
    counted(report.cells, "cell"),
    `${(report.mask_ratio * 100).toFixed(1)} % of the frame masked`,
    `${milliseconds.toFixed(1)} ms in Python`,
    `${counted(skipped, "frame")} skipped`,
  ].join(" · ");
}

/**
 * @param {FrameReport} report
 * @param {string} backend of the model
 */
function modelFacts({ mask_timing, tokens, gaze_ms, mask_age_frames, mask_age_ms }, backend) {
  if (!mask_timing) return [];
  if (tokens === undefined) return ["AutoGaze is processing its first frame"];
  const facts = [`${tokens} tokens in ${gaze_ms?.toFixed(0)} ms (AutoGaze, ${backend})`];
  if (mask_timing === "own") return facts;
  return [...facts, `mask ${counted(mask_age_frames ?? 0, "frame")} (${mask_age_ms?.toFixed(0)} ms) old`];
}

/** @param {string[]} words that stay on one line */
function joined(...words) {
  return words.join(NO_BREAK_SPACE);
}

/**
 * @param {number} count
 * @param {string} noun
 */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
