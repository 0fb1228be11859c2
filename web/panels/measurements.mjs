/**
 * The numbers over the panels, in texts of fixed width that do not jump.
 * @module
 */

/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

const WINDOW_MS = 1000;

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
 * @param {Rate} render
 * @param {Rate} infer
 */
export function speedText(render, infer) {
  return `render ${fiveWide(render.perSecond)} infer ${fiveWide(infer.perSecond)}`;
}

/** @param {FrameReport} report */
export function ratioText({ updateRatio, updateRatioEma }) {
  return `${percent(updateRatio)} ema ${percent(updateRatioEma)}`;
}

/** @param {FrameReport} report */
export function psnrText({ psnr, psnrEma }) {
  return `${fiveWide(psnr)} dB ema ${fiveWide(psnrEma)} dB`;
}

/**
 * @param {FrameReport} report
 * @param {number} replaced frames that newer ones replaced
 * @param {string} backend of the model, empty without one
 */
export function factsText(report, replaced, backend) {
  const milliseconds = Object.values(report.stageMs).reduce((sum, each) => sum + each, 0);
  return [
    ...modelFacts(report, backend),
    `${report.width}×${report.height} pixels`,
    report.cells === 1 ? "1 cell" : `${report.cells} cells`,
    `${(report.maskRatio * 100).toFixed(1)} % of the frame masked`,
    `${milliseconds.toFixed(1)} ms in Python`,
    `${replaced} frames skipped`,
  ].join(" · ");
}

/**
 * @param {FrameReport} report
 * @param {string} backend of the model
 */
function modelFacts({ maskTiming, tokens, gazeMs, maskAgeFrames, maskAgeMs }, backend) {
  if (!maskTiming) return [];
  if (tokens === undefined) return ["AutoGaze looks at its first frame"];
  const facts = [`${tokens} tokens in ${gazeMs?.toFixed(0)} ms (AutoGaze, ${backend})`];
  if (maskTiming === "own") return facts;
  const frames = maskAgeFrames === 1 ? "1 frame" : `${maskAgeFrames} frames`;
  return [...facts, `mask ${frames} (${maskAgeMs?.toFixed(0)} ms) old`];
}

/** @param {number | null} ratio 0 to 1 */
export function percent(ratio) {
  return `${fiveWide(ratio === null ? ratio : Math.min(ratio, 1) * 100)}%`;
}

/** @param {number | "Infinity" | null} value */
export function fiveWide(value) {
  if (value === null || Number.isNaN(value)) return "---.-";
  const shown = value === "Infinity" ? 999.9 : Math.min(Math.max(value, 0), 999.9);
  return shown.toFixed(1).padStart(5, "0");
}
