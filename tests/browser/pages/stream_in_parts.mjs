/**
 * A stream of synthetic frames that a test sends in parts, to change something between them.
 * @module
 */

import { encoded, nextFrame, pageParts } from "./live_frames.mjs";

/** @type {{ recording: Promise<any[]>, sent: number }} */
let stream = { recording: Promise.resolve([]), sent: 0 };
const USUAL = { width: 160, height: 90 };

/**
 * Starts a stream of so many frames, which are recorded.
 * @param {number} count
 */
export function begin(count) {
  const { view, player } = pageParts();
  player.close();
  stream = { recording: view.record(count, { fromStart: true }), sent: 0 };
  view.newStream();
}

/**
 * Sends the next frames, one after the other.
 * @param {number} count
 * @param {Record<string, string>} options that apply from the first one of them on
 * @param {{ width: number, height: number }} [size]
 */
export async function send(count, options, size = USUAL) {
  const { view, settings } = pageParts();
  settings.set(options);
  for (let i = 0; i < count; i++) {
    const done = nextFrame(view);
    view.send({ synthetic: "synthetic-pan", index: stream.sent++, ...size });
    await done;
  }
}

/** All frames, as `live_frames.record` returns them. */
export async function end() {
  return (await stream.recording).map(encoded);
}
