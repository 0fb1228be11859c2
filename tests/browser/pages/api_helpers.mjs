/**
 * The JavaScript API as tests call it: its names and a few helpers become global.
 * @module
 */

import { base64, bytesOf } from "./base64.mjs";

/** @typedef {import("../../../wasm_bridge/autogaze.mjs").FrameResult} FrameResult */

/** @param {string} address of the API's module */
export async function provide(address) {
  const api = await import(address);
  Object.assign(globalThis, { ...api, bytesOf, plain, failure });
}

/** A frame's result as JSON, with its panels in Base64. @param {FrameResult} frame */
function plain(frame) {
  const panel = (/** @type {Uint8ClampedArray | null} */ pixels) => pixels && base64(pixels);
  return {
    ...frame.toJSON(),
    masks: frame.masks.map(({ grid, rows, columns, mask }) => ({ grid, rows, columns, mask: [...mask] })),
    input: panel(frame.input),
    mask: panel(frame.mask),
    output: panel(frame.output),
  };
}

/** The sentence with which a promise fails. @param {Promise<unknown>} promise */
function failure(promise) {
  return promise.then(
    () => "it did not fail",
    (error) => error.message,
  );
}
