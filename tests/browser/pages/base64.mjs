/**
 * Bytes as text, to be handed to and fro as JSON.
 * @module
 */

/** @param {Uint8Array | Uint8ClampedArray} bytes */
export function base64(bytes) {
  let text = "";
  // A call takes only so many arguments.
  for (let i = 0; i < bytes.length; i += 9000) text += String.fromCharCode(...bytes.subarray(i, i + 9000));
  return btoa(text);
}

/** @param {string} text in Base64 */
export function bytesOf(text) {
  return Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
}
