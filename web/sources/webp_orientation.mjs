/**
 * WebPs that say in their EXIF data how they are turned. Some browsers follow that, others do not; none does without it.
 * @module
 */

import { textOf } from "./file_kind.mjs";

const EXIF_FLAG = 0x08; // of a VP8X chunk (RFC 9649, 2.7.1)
const ORIENTATION = 0x0112;
/** Columns of a transformation of the unit square for each orientation (EXIF 2.32, 4.6.4). */
const TURNS = [
  [-1, 0, 0, 1],
  [-1, 0, 0, -1],
  [1, 0, 0, -1],
  [0, 1, 1, 0],
  [0, 1, -1, 0],
  [0, -1, -1, 0],
  [0, -1, 1, 0],
];

/**
 * @param {File} file
 * @returns {Promise<{ file: File, orientation: number }>} the file without its orientation, and that, 1 to 8
 */
export async function takeOrientation(file) {
  const head = await textOf(file, 0, 21);
  const isExtended = head.startsWith("RIFF") && head.slice(8, 16) === "WEBPVP8X";
  if (!isExtended || !(head.charCodeAt(20) & EXIF_FLAG)) return { file, orientation: 1 };
  const view = new DataView(await file.arrayBuffer());
  const at = placeOfOrientation(view);
  const orientation = at ? view.getUint16(at.value, at.little) : 1;
  if (!at || orientation < 2 || orientation > 8) return { file, orientation: 1 };
  view.setUint16(at.value, 1, at.little);
  return { file: new File([view.buffer], file.name, { type: file.type }), orientation };
}

/**
 * @template {ImageBitmap | VideoFrame} Picture
 * @param {Picture} picture closed if it is turned
 * @param {number} orientation
 * @returns {Picture | ImageBitmap}
 */
export function turnPicture(picture, orientation) {
  const turn = TURNS[orientation - 2];
  if (!turn) return picture;
  const [a = 1, b = 0, c = 0, d = 1] = turn;
  const [width, height] =
    "displayWidth" in picture
      ? [picture.displayWidth, picture.displayHeight]
      : [picture.width, picture.height];
  const canvas = a ? new OffscreenCanvas(width, height) : new OffscreenCanvas(height, width);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw off screen");
  const left = Math.min(a, 0) * width + Math.min(c, 0) * height;
  const top = Math.min(b, 0) * width + Math.min(d, 0) * height;
  context.setTransform(a, b, c, d, -left, -top);
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  return canvas.transferToImageBitmap();
}

/**
 * Where in a WebP its orientation stands: in the chunk `EXIF`, which is a TIFF.
 * @param {DataView} view
 * @returns {{ value: number, little: boolean } | undefined}
 */
function placeOfOrientation(view) {
  const text = (/** @type {number} */ at) =>
    String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
  let at = 12;
  while (at + 8 <= view.byteLength && text(at) !== "EXIF") {
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size % 2);
  }
  try {
    const tiff = at + 8 + (text(at + 8) === "Exif" ? 6 : 0);
    const little = view.getUint16(tiff) === 0x4949;
    const table = tiff + view.getUint32(tiff + 4, little);
    for (let entry = 0; entry < view.getUint16(table, little); entry++) {
      const place = table + 2 + 12 * entry;
      if (view.getUint16(place, little) === ORIENTATION) return { value: place + 8, little };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the file ends before
  }
  return undefined;
}
