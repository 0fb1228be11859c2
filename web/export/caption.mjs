/**
 * The headline below the pictures of a recording: title and address, the numbers of the frame and their bar.
 * @module
 */

/** @import { FrameNumbers } from "../page/token_count.mjs" */
/** @import { Credits } from "./recording_protocol.mjs" */

import { shareOf, shareText } from "../page/token_count.mjs";

const FONT = "system-ui, sans-serif";
const GROUND = "#101217";
const TEXT = "#eceef3";
const QUIET = "#a3aaba";
const BAR = "#2c313c";
const ACCENT = "#e6a3ff";

/**
 * Sizes in pixels for a picture of a width; even in height, because most video encoders want it so.
 * @param {number} width
 */
export function captionLayout(width) {
  const unit = Math.max(8, Math.round(width / 60));
  return { unit, large: Math.round(1.7 * unit), small: unit, height: 2 * Math.round(2.6 * unit) };
}

export class CaptionPainter {
  #credits;
  #canvas = new OffscreenCanvas(1, 1);

  /** @param {Credits} credits */
  constructor(credits) {
    this.#credits = credits;
  }

  /**
   * @param {ImageBitmap} image
   * @param {FrameNumbers} numbers of its frame
   * @returns {OffscreenCanvas} the image with the caption below it, until the next call
   */
  paint(image, numbers) {
    const { unit, large, small, height } = captionLayout(image.width);
    const [width, top] = [image.width, image.height];
    Object.assign(this.#canvas, { width, height: top + height });
    const context = this.#canvas.getContext("2d");
    if (!context) throw new Error("this browser cannot draw in a worker; use a newer one.");
    context.fillStyle = GROUND;
    context.fillRect(0, 0, width, top + height);
    context.drawImage(image, 0, 0);

    const share = shareOf(numbers);
    const room = width - 2 * unit;
    context.textBaseline = "middle";
    context.fillStyle = TEXT;
    context.font = `650 ${large}px ${FONT}`;
    context.fillText(
      share ? shareText(share) : "AutoGaze is looking…",
      unit,
      top + height * 0.36,
      room * 0.6,
    );
    context.textAlign = "right";
    context.font = `600 ${small}px ${FONT}`;
    context.fillText(this.#credits.title, width - unit, top + height * 0.24, room * 0.38);
    context.fillStyle = QUIET;
    context.font = `${small}px ${FONT}`;
    context.fillText(this.#credits.address, width - unit, top + height * 0.5, room * 0.38);

    const bar = { top: top + Math.round(height * 0.74), height: Math.max(3, Math.round(unit / 2.5)) };
    context.fillStyle = BAR;
    context.fillRect(unit, bar.top, room, bar.height);
    context.fillStyle = ACCENT;
    if (share) context.fillRect(unit, bar.top, room * Math.min(share.used / share.all, 1), bar.height);
    return this.#canvas;
  }
}
