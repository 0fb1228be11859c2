/**
 * What a file is by its first bytes, and whether it is all there: names and types can be missing or wrong.
 * `py/autogaze_web/files/file_kind.py` does the same on the command line.
 * @module
 */

/** @typedef {{ type: string, start: number, end: number }} TopBox a box of the top level of an MP4 */
/** @typedef {"heic" | "picture" | "svg" | "video"} FileKind "video" stands for anything else, too */

const HEAD_BYTES = 4096;
const MAX_BOXES = 10_000;
const SVG = /^(<\?xml[^>]*>|<!--[\s\S]*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s/>]/i;
const EBML = "\x1aE\xdf\xa3";
const SEGMENT = "\x18S\x80g";
const ICON = "\0\0\x01\0";
const HEIC = ["heic", "heix", "heim", "heis"];
const BOX_TYPES = ["ftyp", "moov", "mdat", "wide", "free", "skip"];
// Of the top level; what was added behind an MP4 has no such type.
const TOP_TYPES = [
  ...BOX_TYPES,
  ..."moof mfra meta sidx ssix styp prft emsg pdin meco idat uuid udta pnot".split(" "),
];
/** Behind them some programs leave a few bytes. @type {Record<string, string>} */
const END_MARKS = { "image/jpeg": "\xff\xd9", "image/png": "IEND", "image/gif": ";" };
const END_BYTES = 32;
/** @type {WeakMap<Blob, Promise<TopBox[]>>} */
const boxesOfFiles = new WeakMap();

/**
 * @param {Blob} file
 * @returns {Promise<FileKind>}
 */
export async function kindOf(file) {
  const head = await textOf(file, 0, HEAD_BYTES);
  if (SVG.test(head.replace(/^\xef\xbb\xbf/, ""))) return "svg";
  if (isHeic(head)) return "heic";
  return pictureType(head) ? "picture" : "video";
}

/**
 * The kind of a file; the type that its name stands for counts where the bytes do not tell.
 * @param {File} file
 * @returns {Promise<FileKind>}
 */
export async function mediaKind(file) {
  const kind = await kindOf(file);
  if (kind !== "video" || !file.type.startsWith("image/")) return kind;
  const head = await textOf(file, 0, 12);
  return head.slice(4, 8) === "ftyp" || head.startsWith(EBML) ? "video" : "picture";
}

/**
 * The type of a picture, by which browsers decode it.
 * @param {string} head the first bytes of a file, a character each
 * @returns {string} such as `image/gif`; empty if it is no picture
 */
export function pictureType(head) {
  if (/^GIF8[79]a/.test(head)) return "image/gif";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "image/webp";
  if (/^(II\*\0|MM\0\*)/.test(head)) return "image/tiff";
  if (head.startsWith("BM") && head.slice(6, 10) === "\0\0\0\0") return "image/bmp";
  if (head.startsWith(ICON) && head.slice(4, 6) !== "\0\0" && head[9] === "\0") return "image/x-icon";
  return head.slice(4, 8) === "ftyp" && brands(head).some((brand) => /^avi[fs]$/.test(brand))
    ? "image/avif"
    : "";
}

/** Whether it is a photo of a phone, which few browsers decode. @param {string} head */
function isHeic(head) {
  if (head.slice(4, 8) !== "ftyp") return false;
  const brand = head.slice(8, 12);
  return HEIC.includes(brand) || (brand === "mif1" && !brands(head).includes("avif"));
}

/**
 * What a file lacks by the sizes that it states itself, such as `it states 229,897 bytes and has 137,938`.
 *
 * MP4 and MOV state the size of each box, Matroska and WebM that of their segment, AVI and WebP that of their list, BMP
 * that of the file, icons those of their pictures. Other pictures have a mark at their end.
 * @param {Blob} file
 * @returns {Promise<string>} empty if it is complete or states no size
 */
export async function missingPart(file) {
  const head = await textOf(file, 0, HEAD_BYTES);
  if (BOX_TYPES.includes(head.slice(4, 8))) return missingOfBoxes(file);
  if (head.startsWith(EBML)) return shortfall(endOfSegment(head), file.size);
  if (head.startsWith("RIFF") && head.length >= 8) return shortfall(8 + littleAt(head, 4), file.size);
  const type = pictureType(head);
  if (type === "image/bmp") return shortfall(littleAt(head, 2), file.size);
  if (type === "image/x-icon") return shortfall(endOfIcon(head), file.size);
  const mark = END_MARKS[type];
  return mark && !(await textOf(file, Math.max(0, file.size - END_BYTES), file.size)).includes(mark)
    ? "its end is missing"
    : "";
}

/**
 * Bytes of a file as text, a character each.
 * @param {Blob} file
 * @param {number} start
 * @param {number} end
 */
export async function textOf(file, start, end) {
  return binaryText(new Uint8Array(await file.slice(start, end).arrayBuffer()));
}

/** @param {Uint8Array} bytes */
export function binaryText(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/**
 * The brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one and the compatible ones.
 * @param {string} head
 */
function brands(head) {
  const end = Math.min(head.length, numberAt(head, 0, 4));
  const found = [head.slice(8, 12)];
  for (let at = 16; at < end; at += 4) found.push(head.slice(at, at + 4));
  return found;
}

/**
 * A file such as MP4 that was cut off, without a last box that is not whole, which readers refuse. Frames are read as far
 * as they go.
 * @param {Blob} file
 * @returns {Promise<Blob>} the file itself if it ends with a whole box or within frames
 */
export async function withWholeBoxes(file) {
  const head = await textOf(file, 4, 8);
  if (!BOX_TYPES.includes(head)) return file;
  const last = (await boxesOf(file)).at(-1);
  if (!last) return file;
  const { type, start, end } = last;
  if (end > file.size && type !== "mdat") return file.slice(0, start);
  return end < file.size && end + 8 > file.size ? file.slice(0, end) : file;
}

/** Where the last box of a file such as MP4 or AVIF ends, by its size. @param {Blob} file */
export async function statedEnd(file) {
  return (await boxesOf(file)).at(-1)?.end ?? 0;
}

/** @param {Blob} file */
async function missingOfBoxes(file) {
  // The index of films, and that of still AVIFs.
  const hasIndex = (await boxesOf(file)).some(({ type }) => type === "moov" || type === "meta");
  return hasIndex ? shortfall(await statedEnd(file), file.size) : "its index (moov) is missing";
}

/**
 * The boxes of the top level of a file such as MP4 or AVIF, read once. `end` is behind the file's end if the last one
 * is not whole.
 * @param {Blob} file
 * @returns {Promise<TopBox[]>}
 */
export function boxesOf(file) {
  const boxes = boxesOfFiles.get(file) ?? walkBoxes(file);
  boxesOfFiles.set(file, boxes);
  return boxes;
}

/** @param {Blob} file each of whose boxes starts with its size and its type */
async function walkBoxes(file) {
  /** @type {TopBox[]} */
  const boxes = [];
  for (let at = 0; boxes.length < MAX_BOXES && at + 8 <= file.size; ) {
    const head = await textOf(file, at, at + 16);
    let size = numberAt(head, 0, 4);
    const type = head.slice(4, 8);
    if (size === 1 && head.length === 16) size = numberAt(head, 8, 8);
    else if (size === 0) size = file.size - at; // to the end of the file
    const isBox = /^[0-9a-z]{4}$/i.test(type) && (at + size <= file.size || TOP_TYPES.includes(type));
    if (size < 8 || !isBox) break; // no box, but something that was added behind them
    boxes.push({ type, start: at, end: at + size });
    at += size;
  }
  return boxes;
}

/**
 * Where a Matroska file's segment ends (RFC 8794, 4); 0 if it states no size, as in live recordings.
 * @param {string} head
 */
function endOfSegment(head) {
  const found = head.indexOf(SEGMENT);
  if (found < 0) return 0;
  const at = found + SEGMENT.length;
  const length = Math.clz32(head.charCodeAt(at)) - 23; // zeros before the first one of the byte
  if (!(length >= 1 && length <= 8)) return 0;
  const first = head.charCodeAt(at) & (0xff >> length);
  const size = first * 256 ** (length - 1) + numberAt(head, at + 1, length - 1);
  return size >= 2 ** (7 * length) - 1 ? 0 : at + length + size;
}

/**
 * @param {number} stated in bytes
 * @param {number} size
 */
function shortfall(stated, size) {
  const text = (/** @type {number} */ bytes) => bytes.toLocaleString("en");
  return stated > size ? `it states ${text(stated)} bytes and has ${text(size)}` : "";
}

/** @param {string} text @param {number} at @param {number} length big-endian */
function numberAt(text, at, length) {
  let number = 0;
  for (let index = at; index < at + length; index++) number = number * 256 + (text.charCodeAt(index) || 0);
  return number;
}

/** @param {string} text @param {number} at of a number of four bytes, little-endian */
function littleAt(text, at) {
  return numberAt([...text.slice(at, at + 4)].reverse().join(""), 0, 4);
}

/** Where the last picture of an icon ends: its directory has the size and the offset of each. @param {string} head */
function endOfIcon(head) {
  let end = 0;
  for (let entry = 0; entry < head.charCodeAt(4); entry++) {
    const at = 14 + 16 * entry;
    end = Math.max(end, littleAt(head, at) + littleAt(head, at + 4));
  }
  return end;
}
