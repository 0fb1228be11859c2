/**
 * The size at which frames are processed, from the options `inference-width` and `inference-height`.
 * @module
 */

/** @import { Values } from "../settings/options.mjs" */

/** @typedef {(width: number, height: number) => { width: number, height: number }} FrameSize from a picture's displayed size */

const LARGEST = 4096;

/**
 * @param {Values} values of the options, read for every frame
 * @param {FrameSize} automatic decides where the options leave both sides open
 * @returns {FrameSize}
 */
export function frameSize(values, automatic) {
  return (ownWidth, ownHeight) => {
    const wanted = [values["inference-width"], values["inference-height"]];
    const { width, height } = isAutomatic(values)
      ? automatic(ownWidth, ownHeight)
      : sides(wanted.map(Number), wanted[0] === "native", ownWidth, ownHeight);
    const shrink = Math.min(1, LARGEST / width, LARGEST / height);
    return { width: whole(width * shrink), height: whole(height * shrink) };
  };
}

/**
 * Whether the options leave the size to the page.
 * @param {Values} values
 */
export function isAutomatic(values) {
  return values["inference-width"] === "auto" && values["inference-height"] === "auto";
}

/**
 * @param {number[]} wanted NaN where the other side decides
 * @param {boolean} native the width is the picture's own
 * @param {number} ownWidth
 * @param {number} ownHeight
 */
function sides([wantedWidth = Number.NaN, wantedHeight = Number.NaN], native, ownWidth, ownHeight) {
  const fromHeight = native || Number.isNaN(wantedHeight) ? ownWidth : (wantedHeight * ownWidth) / ownHeight;
  const width = Number.isNaN(wantedWidth) ? fromHeight : wantedWidth;
  return { width, height: Number.isNaN(wantedHeight) ? (width * ownHeight) / ownWidth : wantedHeight };
}

/** @param {number} side */
function whole(side) {
  return Math.max(1, Math.round(side));
}
