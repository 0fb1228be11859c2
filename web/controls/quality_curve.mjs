/**
 * The curve of a frame's quality over its tokens, as a drawing and in words.
 * @module
 */

/** @import { FrameReport } from "../../wasm_bridge/autogaze.mjs" */

import { decibels } from "../page/number_text.mjs";

/** @typedef {NonNullable<FrameReport["curve"]>} Curve */

export const WIDTH = 240;
export const HEIGHT = 64;
/** What the drawing reaches from bottom to top, in dB; a perfect copy lies at the top. */
export const RANGE = { low: 10, high: 50 };
const MARGIN = 5;

/**
 * @param {number} tokens
 * @param {number} all tokens that a frame can have, at the right edge; few tokens have more room than many
 */
export function xOf(tokens, all) {
  return MARGIN + (WIDTH - 2 * MARGIN) * Math.sqrt(Math.min(tokens / all, 1));
}

/** @param {number | "Infinity"} psnr */
export function yOf(psnr) {
  const value = psnr === "Infinity" ? RANGE.high : Math.min(Math.max(psnr, RANGE.low), RANGE.high);
  return MARGIN + (HEIGHT - 2 * MARGIN) * (1 - (value - RANGE.low) / (RANGE.high - RANGE.low));
}

/**
 * @param {Curve} curve not empty
 * @param {number} all tokens that a frame can have
 * @returns {{ line: string, x: number, y: number, text: string, label: string }} the path, where it ends, a line of text,
 *   and a description
 */
export function curveShape(curve, all) {
  const line = curve
    .map(
      ([tokens, psnr], index) => `${index ? "L" : "M"}${xOf(tokens, all).toFixed(1)} ${yOf(psnr).toFixed(1)}`,
    )
    .join("");
  const [[, none] = [0, 0], [count, psnr] = [0, 0]] = [curve[0], curve.at(-1)];
  const middle = curve[Math.floor(curve.length / 2)];
  const between = curve.length > 2 && middle ? `, ${quality(middle[1])} with ${middle[0]}` : "";
  return {
    line,
    x: xOf(count, all),
    y: yOf(psnr),
    text: `${capitalized(quality(none))} without this frame’s tokens, ${quality(psnr)} with ${count === 1 ? "its one token" : `all ${count}`}.`,
    label: `Quality over the tokens of this frame: ${quality(none)} with none${between}, ${quality(psnr)} with ${count} of ${all}`,
  };
}

/** @param {string} text */
function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {number | "Infinity"} psnr */
function quality(psnr) {
  return psnr === "Infinity" ? "a perfect copy" : decibels(psnr).trim();
}
