/**
 * Texts in a PNG: title, numbers and address, which viewers show as the picture's properties.
 * @module
 */

// The signature of 8 bytes and the chunk IHDR of 25, after which texts may stand.
const AFTER_HEADER = 33;

/**
 * The picture with one `iTXt` chunk for each text (PNG 3rd edition, 11.3.3.4). Its pixels stay as they are.
 * @param {Blob} png
 * @param {Record<string, string>} texts by keyword, such as `Title`
 * @returns {Blob}
 */
export function withTexts(png, texts) {
  const chunks = Object.entries(texts).map(([keyword, text]) => chunk("iTXt", `${keyword}\0\0\0\0\0${text}`));
  return new Blob([png.slice(0, AFTER_HEADER), ...chunks, png.slice(AFTER_HEADER)], { type: "image/png" });
}

/**
 * @param {string} type
 * @param {string} content written as UTF-8
 */
function chunk(type, content) {
  const body = new TextEncoder().encode(type + content);
  const bytes = new Uint8Array(body.length + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length - type.length);
  bytes.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  return bytes;
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
