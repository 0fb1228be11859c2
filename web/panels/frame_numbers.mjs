/**
 * The numbers of a frame over and below the panels.
 * @module
 */

/** @import { FrameReport } from "../../wasm_bridge/autogaze.mjs" */

import { counted, decibels, decimal, NO_BREAK_SPACE, percent } from "../page/number_text.mjs";

const WINDOW_MS = 1000;

/** @typedef {[first: string, second: string]} Pair what is shown in a caption; the second part only where it fits */

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
 * @returns {Pair}
 */
export function speedText(shown, model) {
  const modelRate = model ? joined("model", decimal(model.perSecond), "fps") : "";
  return [joined("shown", decimal(shown.perSecond), "fps"), modelRate];
}

/** @param {FrameReport} report @returns {Pair} */
export function updateText({ updateRatio, updateRatioEma }) {
  return [joined("updated", percent(updateRatio)), joined("average", percent(updateRatioEma))];
}

/** @param {FrameReport} report @returns {Pair} */
export function psnrText({ psnr, psnrEma }) {
  return [joined("PSNR", decibels(psnr)), joined("average", decibels(psnrEma))];
}

/**
 * @param {FrameReport} report
 * @param {number} replaced frames of the source that were dropped for newer ones
 * @param {string} backend of the model
 */
export function factsText(report, replaced, backend) {
  const milliseconds = Object.values(report.stageMs).reduce((sum, each) => sum + each, 0);
  return [
    ...modelFacts(report, backend),
    `${report.width}×${report.height} pixels`,
    report.still && !report.maskTiming ? "nothing changes in a still picture" : counted(report.cells, "cell"),
    `${(report.maskRatio * 100).toFixed(1)} % of the frame masked`,
    `${milliseconds.toFixed(1)} ms in Python`,
    `${counted(replaced, "frame")} dropped`,
  ].join(" · ");
}

/**
 * @param {FrameReport} report
 * @param {string} backend of the model
 */
function modelFacts({ maskTiming, tokens, gazeMs, maskAgeFrames, maskAgeMs }, backend) {
  if (!maskTiming) return [];
  if (tokens === undefined) return ["AutoGaze is processing its first frame"];
  const facts = [`${counted(tokens, "token")} in ${gazeMs?.toFixed(0)} ms (AutoGaze, ${backend})`];
  if (maskTiming === "own") return facts;
  return [...facts, `mask ${counted(maskAgeFrames ?? 0, "frame")} (${maskAgeMs?.toFixed(0)} ms) old`];
}

/** @param {string[]} words that stay on one line */
function joined(...words) {
  return words.join(NO_BREAK_SPACE);
}
