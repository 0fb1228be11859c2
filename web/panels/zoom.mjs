/**
 * The part of a picture that is in view, in shares of the picture's size.
 *
 * At a zoom of z the picture is z times as large as its frame, and its left upper corner stands at `x`, `y`, which are
 * between 1 - z and 0.
 * @module
 */

/** @typedef {{ zoom: number, x: number, y: number }} Extent */

export const MAX_ZOOM = 8;
/** @type {Readonly<Extent>} */
export const WHOLE = { zoom: 1, x: 0, y: 0 };

/**
 * @param {Extent} extent
 * @param {number} factor
 * @param {number} [px] the point that stays where it is, in shares of the frame
 * @param {number} [py]
 * @returns {Extent}
 */
export function zoomed({ zoom, x, y }, factor, px = 0.5, py = 0.5) {
  const next = Math.min(Math.max(zoom * factor, 1), MAX_ZOOM);
  const scale = next / zoom;
  return clamped({ zoom: next, x: px - (px - x) * scale, y: py - (py - y) * scale });
}

/**
 * @param {Extent} extent
 * @param {number} dx in shares of the frame
 * @param {number} dy
 * @returns {Extent}
 */
export function moved({ zoom, x, y }, dx, dy) {
  return clamped({ zoom, x: x + dx, y: y + dy });
}

/** @param {Extent} extent */
function clamped({ zoom, x, y }) {
  const inside = (/** @type {number} */ at) => Math.min(0, Math.max(1 - zoom, at));
  return { zoom, x: inside(x), y: inside(y) };
}
