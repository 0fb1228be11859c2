/**
 * Animated pictures: how many frames a GIF, PNG, WebP or AVIF has and for how long each is shown.
 *
 * Browsers tell this only after they have decoded a frame, and some do not decode single frames at all.
 * @module
 */

import { pictureType, statedEnd, textOf } from "./file_kind.mjs";
import { readMp4Index } from "./mp4_index.mjs";

/**
 * @typedef {object} Animation
 * @property {string} type such as `image/gif`
 * @property {number} width in pixels
 * @property {number} height
 * @property {number[]} durations of its frames in seconds
 * @property {boolean} cut whether the file ends before the animation
 * @property {number} [orientation] how it is turned, as EXIF data say it; the decoder does it where this is missing
 */

// Browsers and FFmpeg show frames with a shorter delay than two hundredths of a second for ten.
const MIN_MS = 11;
const DEFAULT_MS = 100;
const MAX_PADDING = 100e6;
const GIF_EXTENSION = 0x21;
const GIF_IMAGE = 0x2c;
const GIF_GRAPHIC_CONTROL = 0xf9;

/**
 * @param {Blob} file
 * @returns {Promise<Animation | null>} null if it is no picture, or one that stands still
 */
export async function readAnimation(file) {
  const type = pictureType(await textOf(file, 0, 4096));
  if (type === "image/avif") return readAvif(file);
  const parse = { "image/gif": parseGif, "image/png": parsePng, "image/webp": parseWebp }[type];
  if (!parse) return null;
  const { delays, ...size } = parse(new DataView(await file.arrayBuffer()));
  return isClip(delays, size.cut) ? { type, ...size, durations: delays.map(shownFor) } : null;
}

/**
 * Whether it is shown as a clip, which says what is missing. A picture that breaks off in its first frame stands still.
 * @param {number[]} frames
 * @param {boolean} cut
 */
function isClip(frames, cut) {
  return frames.length > 1 || (cut && frames.length === 1);
}

/** @param {number} delay in milliseconds, as the file has it @returns {number} seconds */
function shownFor(delay) {
  return (delay >= MIN_MS ? delay : DEFAULT_MS) / 1000;
}

/** @typedef {{ width: number, height: number, delays: number[], cut: boolean }} Parsed delays in milliseconds, of the whole frames */

/**
 * GIF89a: blocks, each with parts of at most 255 bytes, the last part empty.
 * @param {DataView} view
 * @returns {Parsed}
 */
function parseGif(view) {
  const end = view.byteLength;
  const tableAfter = (/** @type {number} */ flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  /** @type {Parsed} */
  const parsed = { width: 0, height: 0, delays: [], cut: true };
  if (end < 13) return parsed;
  Object.assign(parsed, { width: view.getUint16(6, true), height: view.getUint16(8, true) });
  let at = 13 + tableAfter(view.getUint8(10));
  let delay = 0;
  while (at + 1 < end) {
    const block = view.getUint8(at);
    if (block !== GIF_EXTENSION && block !== GIF_IMAGE) {
      parsed.cut = false; // the trailer
      break;
    }
    if (block === GIF_EXTENSION && view.getUint8(at + 1) === GIF_GRAPHIC_CONTROL && at + 6 <= end) {
      delay = view.getUint16(at + 4, true) * 10;
    }
    if (block === GIF_IMAGE && at + 10 > end) break;
    let part = at + (block === GIF_IMAGE ? 11 + tableAfter(view.getUint8(at + 9)) : 2);
    while (part < end && view.getUint8(part) > 0) part += view.getUint8(part) + 1;
    if (part >= end) break;
    if (block === GIF_IMAGE) {
      parsed.delays.push(delay);
      delay = 0;
    }
    at = part + 1;
  }
  // Many writers leave the trailer out.
  if (at + 1 >= end && at <= end) parsed.cut = false;
  return parsed;
}

/**
 * APNG (PNG 3rd edition): `fcTL` before the data of each frame. A first picture without one is for programs that
 * cannot show the animation.
 * @param {DataView} view
 * @returns {Parsed}
 */
function parsePng(view) {
  /** @type {Parsed} */
  const parsed = { width: 0, height: 0, delays: [], cut: true };
  let pending = -1; // delay of the frame whose data are read
  let hasData = false;
  let stated = 0;
  let at = 8;
  while (at + 12 <= view.byteLength) {
    const data = at + 8;
    const next = data + view.getUint32(at) + 4;
    const type = textIn(view, at + 4);
    if (next > view.byteLength) {
      if (type === "fdAT" || type === "IDAT") pending = -1; // not all of the frame is there
      break;
    }
    if (type === "IHDR")
      Object.assign(parsed, { width: view.getUint32(data), height: view.getUint32(data + 4) });
    else if (type === "acTL") stated = view.getUint32(data);
    else if (type === "fcTL" || type === "IEND") {
      if (pending >= 0) parsed.delays.push(pending);
      [pending, hasData] = [-1, false];
      if (type === "IEND") break;
      pending = (1000 * view.getUint16(data + 20)) / (view.getUint16(data + 22) || 100);
    }
    hasData ||= type === "fdAT" || type === "IDAT";
    at = next;
  }
  // The file ends behind the data of a frame.
  if (pending >= 0 && hasData) parsed.delays.push(pending);
  parsed.cut = parsed.delays.length < stated;
  if (stated === 0) parsed.delays = [];
  return parsed;
}

/**
 * WebP (RFC 9649): `ANMF` for each frame.
 * @param {DataView} view
 * @returns {Parsed}
 */
function parseWebp(view) {
  const three = (/** @type {number} */ at) => view.getUint16(at, true) + 65536 * view.getUint8(at + 2);
  /** @type {Parsed} */
  const parsed = { width: 0, height: 0, delays: [], cut: view.getUint32(4, true) + 8 > view.byteLength };
  let at = 12;
  while (at + 8 <= view.byteLength) {
    const size = view.getUint32(at + 4, true);
    const data = at + 8;
    const next = data + size + (size % 2);
    const type = textIn(view, at);
    if (next > view.byteLength) break;
    if (type === "VP8X") Object.assign(parsed, { width: three(data + 4) + 1, height: three(data + 7) + 1 });
    else if (type === "ANMF") parsed.delays.push(three(data + 12));
    at = next;
  }
  return parsed;
}

/**
 * A WebP that was cut off, without the chunk that is not whole: decoders refuse one that is shorter than it says
 * (RFC 9649, 2.3).
 * @param {ArrayBuffer} data
 * @returns {ArrayBuffer}
 */
export function wholeWebp(data) {
  const view = new DataView(data);
  let at = 12;
  while (at + 8 <= data.byteLength) {
    const size = view.getUint32(at + 4, true);
    const end = at + 8 + size + (size % 2);
    if (end > data.byteLength) break;
    at = end;
  }
  const whole = data.slice(0, at);
  new DataView(whole).setUint32(4, at - 8, true);
  return whole;
}

/**
 * An AVIF that was cut off, as long as it states to be: decoders refuse a shorter one. Its whole frames are as they were.
 * @param {Blob} file
 * @returns {Promise<ArrayBuffer>}
 */
export async function paddedAvif(file) {
  const missing = (await statedEnd(file)) - file.size;
  return new Blob([file, new Uint8Array(Math.min(Math.max(0, missing), MAX_PADDING))]).arrayBuffer();
}

/**
 * AVIF: a video track of pictures, in a file as of MP4.
 * @param {Blob} file
 * @returns {Promise<Animation | null>}
 */
async function readAvif(file) {
  const tables = await readMp4Index(file, "pict");
  const [table] = tables?.values() ?? [];
  if (!table || !isClip(table.times, table.cut)) return null;
  const { times, lastDuration, width, height, cut } = table;
  const delays = times.map((time, index) => (times[index + 1] ?? time + lastDuration) - time);
  const durations = delays.map((delay) => shownFor(Math.round(1000 * delay)));
  return { type: "image/avif", width, height, durations, cut };
}

/** @param {DataView} view @param {number} at */
function textIn(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}
