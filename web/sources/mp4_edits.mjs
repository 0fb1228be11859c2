/**
 * Which samples of an MP4's track are shown, and when (ISO/IEC 14496-12, 8.6.6, read as FFmpeg does).
 * @module
 */

/** @import { FrameTable } from "./mp4_index.mjs" */

/**
 * In decoding order, times in units of the track.
 * @typedef {object} Samples
 * @property {number[]} times at which they are shown
 * @property {number[]} decoded times at which they are decoded
 * @property {number[]} durations
 * @property {Set<number> | undefined} keys
 * @property {number} there how many of them the file contains
 * @property {boolean} isTorn whether the file ends within the next one
 */

/** @typedef {{ mediaTime: number, duration: number }} Edit in units of the track: a part of the media; from -1 on: nothing */

const EMPTY = -1;
const MAX_WORK = 1e8;

/**
 * The frames inside the presentation.
 * @param {Samples} samples
 * @param {Edit[]} edits none: all of the media is shown
 * @param {number} scale
 * @returns {Omit<FrameTable, "width" | "height" | "framesPerSecond">}
 * @throws {RangeError} if there are too many edits
 */
export function presented(samples, edits, scale) {
  const { times, durations, keys, there } = samples;
  const missingFrom = there < times.length ? firstLost(samples) : Number.POSITIVE_INFINITY;
  const shown = edits.length > 0 ? editedFrames(samples, edits) : wholeMedia(times);
  const frames = shown.filter(({ index }) => index < there && (times[index] ?? 0) < missingFrom);
  // Mediabunny knows the first part alone.
  const first = Math.max(
    0,
    edits.findIndex(({ mediaTime }) => mediaTime !== EMPTY),
  );
  const start = edits.slice(0, first).reduce((sum, { duration }) => sum + duration, 0);
  const offset = start - (edits[first]?.mediaTime ?? 0);
  return {
    times: frames.map(({ time }) => time / scale),
    sampleTimes: frames.map(({ index }) => ((times[index] ?? 0) + offset) / scale),
    keys: frames.map(({ index }) => isKey(keys, index)),
    lastDuration: (durations[frames.at(-1)?.index ?? 0] ?? 0) / scale,
    cut: frames.length < shown.length,
  };
}

/** @typedef {{ index: number, time: number }} ShownSample in units of the track */

/** @param {number[]} times */
function wholeMedia(times) {
  const shown = times.map((time, index) => ({ index, time })).filter(({ time }) => time >= 0);
  return shown.sort((one, other) => one.time - other.time);
}

/**
 * The frames of all edits, one edit after the other, as FFmpeg shows them (`mov_fix_index` of its mov.c), and so
 * Chromium and the command line: an edit begins with the first frame in it that is decoded, whether or not one is
 * shown at its start; one of no duration has no frames; an empty one behind the first counts as media from -1 on.
 * @param {Samples} samples
 * @param {Edit[]} edits
 */
function editedFrames({ times, decoded, durations, keys }, edits) {
  if (edits.length * times.length > MAX_WORK) throw new RangeError("too many edits");
  const first = edits.findIndex(({ mediaTime }) => mediaTime !== EMPTY);
  let [start, emptyStart] = [0, 0];
  const shown = edits.flatMap(({ mediaTime, duration }, number) => {
    const begin = start;
    start += duration;
    if (first < 0 || number < first) {
      emptyStart += duration;
      return [];
    }
    const inside = insideOf({ times, decoded, durations, keys }, mediaTime, mediaTime + duration);
    const offset = begin - (decoded[inside[0] ?? 0] ?? 0);
    const frames = inside.map((index) => ({ index, time: offset + (times[index] ?? 0) }));
    return frames.sort((one, other) => one.time - other.time);
  });
  const late = Math.max(0, shown.reduce((least, { time }) => Math.min(least, time), Infinity) - emptyStart);
  return inOrder(shown.map(({ index, time }) => ({ index, time: time - late })));
}

/**
 * Where an edit begins before the one before it ends, its frames follow, as on the command line.
 * @param {ShownSample[]} shown
 */
function inOrder(shown) {
  let [behind, step, last] = [0, 0, 0];
  return shown.map(({ index, time }) => {
    if (time + behind < last) behind = last + step - time;
    if (time + behind > last) step = time + behind - last;
    last = time + behind;
    return { index, time: last };
  });
}

/**
 * The samples that are shown from a time to another, in decoding order.
 * @param {Pick<Samples, "times" | "decoded" | "durations" | "keys">} samples
 * @param {number} from
 * @param {number} to
 */
function insideOf({ times, decoded, durations, keys }, from, to) {
  const reordered = times.some((time, index) => time !== decoded[index]);
  const inside = [];
  let keysBehind = 0;
  for (let index = 0; index < times.length; index++) {
    const time = times[index] ?? 0;
    if (time >= from && time < to) inside.push(index);
    // Frames that are shown before a key can be decoded after it.
    if (time + (durations[index] ?? 0) >= to && isKey(keys, index)) {
      keysBehind += 1;
      if (!reordered || keysBehind > 1) break;
    }
  }
  return inside;
}

/** @param {Samples["keys"]} keys @param {number} index */
function isKey(keys, index) {
  return !keys || keys.has(index);
}

/**
 * The time from which frames are lost in a file that was cut off: those that are missing, those that may depend on
 * them, and those that a decoder still holds back when it is given the torn one.
 * @param {Samples} samples
 */
function firstLost({ times, decoded, there, isTorn }) {
  if (!isTorn) return Number.POSITIVE_INFINITY; // frames that it holds back come at the end
  const missing = times.slice(there).reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const inOrder = times.slice(0, there).sort((one, other) => one - other);
  // The first frame is decoded that much earlier than it is shown.
  const [first = 0] = times;
  const offset = first - (decoded[0] ?? 0);
  const ahead = inOrder.filter((time) => time >= first && time < first + offset).length;
  const delay = Math.max(ahead, reorderDelay(times));
  return Math.min(missing, inOrder[Math.max(0, there - delay)] ?? missing);
}

/**
 * How many frames a decoder holds back to put them into order.
 * @param {number[]} times in decoding order
 */
export function reorderDelay(times) {
  let most = 0;
  for (const [index, time] of times.entries()) {
    const before = times.slice(Math.max(0, index - 16), index);
    most = Math.max(most, before.filter((each) => each > time).length);
  }
  return most;
}
