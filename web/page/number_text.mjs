/**
 * Numbers as texts of a fixed width in a monospaced font, so that nothing jumps while they change.
 * @module
 */

export const NO_BREAK_SPACE = "\u00a0";

/**
 * Pads a number on the left.
 * @param {string} text
 * @param {number} width in characters
 */
export function padded(text, width) {
  return text.padStart(width, NO_BREAK_SPACE);
}

/**
 * @param {number | null} value null or NaN if it is unknown
 * @param {number} [width] in characters
 */
export function decimal(value, width = 4) {
  return padded(value === null || Number.isNaN(value) ? "–" : value.toFixed(1), width);
}

/**
 * @param {number} count
 * @param {string} noun in the singular
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {number | null} ratio 0 to 1 */
export function percent(ratio) {
  return `${decimal(ratio === null ? null : Math.min(ratio, 1) * 100)}${NO_BREAK_SPACE}%`;
}

/** @param {number | "Infinity" | null} psnr infinite if output and input are equal */
export function decibels(psnr) {
  const number = psnr === "Infinity" || psnr === Number.POSITIVE_INFINITY ? padded("∞", 4) : decimal(psnr);
  return `${number}${NO_BREAK_SPACE}dB`;
}
