/**
 * The average frame rate that a video file states, as `autogaze-web trace` writes it.
 * @module
 */

/** @import { InputVideoTrack } from "mediabunny" */

import { defaultDuration } from "./matroska_repair.mjs";
import { openInput, videoTrack } from "./media_input.mjs";
import { fragmentedRate } from "./mp4_fragments.mjs";
import { readMp4Index } from "./mp4_index.mjs";

const NANOSECONDS = 1e9;
// FFmpeg's bound on the numbers of a rate in Matroska, which makes 33,366,666 ns into 30000/1001 a second.
const MAX_TERM = 30_000;

/**
 * @param {Blob} file
 * @returns {Promise<number | null>} frames per second; null if the file states none or cannot be read
 */
export async function readFrameRate(file) {
  try {
    const { input } = await openInput(file);
    try {
      const track = await videoTrack(input);
      return track ? await frameRate(file, track) : null;
    } finally {
      input.dispose();
    }
  } catch {
    return null;
  }
}

/**
 * MP4 and MOV: the number of frames by their duration, also in fragments. Matroska and WebM: from the duration of a
 * frame, if stated.
 * @param {Blob} file
 * @param {InputVideoTrack} track of it
 * @returns {Promise<number | null>}
 */
export async function frameRate(file, track) {
  const ofFragments = await fragmentedRate(file, track.id);
  if (ofFragments !== undefined) return ofFragments;
  const index = (await readMp4Index(file))?.get(track.id);
  if (index) return index.framesPerSecond;
  const stated = await defaultDuration(file, track.id);
  if (stated !== undefined) return stated > 0 ? closestFraction(NANOSECONDS / stated, MAX_TERM) : null;
  const { packetCount } = await track.computePacketStats();
  const seconds = (await track.computeDuration()) - (await track.getFirstTimestamp());
  return packetCount > 0 && seconds > 0 ? packetCount / seconds : null;
}

/**
 * The fraction closest to a number, by its continued fraction.
 * @param {number} number above 0
 * @param {number} most the largest numerator and denominator
 */
function closestFraction(number, most) {
  let [above, below, lastAbove, lastBelow] = [1, 0, 0, 1];
  for (let rest = number; ; ) {
    const whole = Math.floor(rest);
    const [nextAbove, nextBelow] = [whole * above + lastAbove, whole * below + lastBelow];
    if (nextAbove > most || nextBelow > most) break;
    [above, below, lastAbove, lastBelow] = [nextAbove, nextBelow, above, below];
    if (rest - whole < 1e-9) break;
    rest = 1 / (rest - whole);
  }
  return below > 0 ? above / below : number;
}
