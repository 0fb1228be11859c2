/**
 * Files to download: their names, their sizes as texts, and the download itself.
 * @module
 */

// By then the browser has read the address of the download.
const REVOKE_AFTER_MS = 60_000;

/**
 * A name that says what is in a file and sorts by time: `autogaze-2026-11-22-214503-panels.webm`.
 * @param {string} what
 * @param {string} suffix
 * @param {Date} [when] in local time
 */
export function fileName(what, suffix, when = new Date()) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
  const time = `${two(when.getHours())}${two(when.getMinutes())}${two(when.getSeconds())}`;
  return `autogaze-${day}-${time}-${what}.${suffix}`;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * Downloads a file.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
}
