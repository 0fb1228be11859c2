/**
 * What the page's encoder makes of the frames that it is sent.
 * @module
 */

import { base64 } from "./base64.mjs";
import { pageParts } from "./live_frames.mjs";

/** @typedef {import("../../../wasm_bridge/live/protocol.mjs").EncodedFrame} EncodedFrame */

/**
 * The next detail of an event of the view; rejects if the encoder fails first.
 * @param {string} name
 * @returns {Promise<any>}
 */
function next(name) {
  const { view } = pageParts();
  return new Promise((resolve, reject) => {
    view.addEventListener(name, (event) => resolve(/** @type {CustomEvent} */ (event).detail), {
      once: true,
    });
    if (name !== "encoder-failed")
      view.on("encoder-failed", ({ message }) => reject(new Error(message)), { once: true });
  });
}

/**
 * Starts the encoder.
 * @param {object} how
 * @returns {Promise<object>} the detail of `encoder-ready`
 */
export function start(how) {
  const ready = next("encoder-ready");
  pageParts().view.startEncoder(how);
  return ready;
}

/**
 * Starts an encoder that cannot be started.
 * @param {object} how
 * @returns {Promise<string>} the sentence
 */
export async function startInVain(how) {
  const failed = next("encoder-failed");
  pageParts().view.startEncoder(how);
  return (await failed).message;
}

/**
 * Changes how a started encoder encodes.
 * @param {object} how
 */
export function startAgain(how) {
  pageParts().view.startEncoder(how);
}

export function stop() {
  pageParts().view.stopEncoder();
}

/**
 * Sends frames of a synthetic source as a stream of their own; each waits until the one before it was encoded.
 * @param {string} source
 * @param {number} count
 * @param {number} width
 * @param {number} height
 */
export async function encode(source, count, width, height) {
  const { view, player } = pageParts();
  player.close();
  view.newStream();
  const recording = view.record(count, { fromStart: true });
  const encoded = [];
  for (let index = 0; index < count; index++) {
    const done = next("encoder-frame");
    view.send({ synthetic: source, index, width, height });
    encoded.push(plain(await done));
  }
  const frames = await recording;
  return { encoded, frames: frames.map(({ report, input }) => ({ report, input: base64(input) })) };
}

/** @type {number[]} */
let indexes = [];

/** Notes from now on which frames are encoded. */
export function watch() {
  indexes = [];
  pageParts().view.on("encoder-frame", ({ index }) => indexes.push(index));
}

/** The indexes of the frames that were encoded since. */
export function watched() {
  return indexes;
}

/** @param {EncodedFrame} frame */
function plain(frame) {
  return Object.fromEntries(
    Object.entries(frame).map(([name, value]) => [
      name,
      ArrayBuffer.isView(value)
        ? base64(new Uint8Array(/** @type {any} */ (value).buffer, value.byteOffset, value.byteLength))
        : value,
    ]),
  );
}
