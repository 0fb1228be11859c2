/**
 * Which samples of an MP4's track are shown, and when (ISO/IEC 14496-12, 8.6.6, read as FFmpeg does).
 * @module
 */

/** @import { FrameTable } from "./mp4_index.mjs" */

/**
 * A sample; times are in units of the track.
 * @typedef {object} Sample
 * @property {number} index in decoding order
 * @property {number} time at which it is shown
 * @property {number} decoded time at which it is decoded
 * @property {number} duration
 * @property {boolean} isKey whether it can be decoded without others
 */

/**
 * In decoding order.
 * @typedef {object} Samples
 * @property {Sample[]} all
 * @property {number} there how many of them the file contains
 */

/** @typedef {{ mediaTime: number, duration: number }} Edit in units of the track: a part of the media; from -1 on: nothing */

/** @typedef {{ sample: Sample, time: number }} Shown a sample, and when an edit shows it */

const EMPTY = -1;
const MAX_WORK = 1e8;
const MAX_SHOWN = 5e6;

/**
 * The frames inside the presentation.
 * @param {Samples} samples
 * @param {Edit[]} edits none: all of the media is shown
 * @param {number} scale
 * @returns {Omit<FrameTable, "width" | "height" | "framesPerSecond">}
 * @throws {RangeError} if there are too many edits
 */
export function presented(samples, edits, scale) {
  const { all, there } = samples;
  const times = all.map(({ time }) => time);
  const missingFrom = firstLost(times, there, leadOf(all));
  const shown = edits.length > 0 ? editedFrames(all, edits) : wholeMedia(all);
  const frames = shown.filter(({ sample }) => sample.index < there && sample.time < missingFrom);
  // Mediabunny knows the first part alone.
  const first = edits.find(({ mediaTime }) => mediaTime !== EMPTY);
  const offset = first ? emptyStart(edits) - first.mediaTime : 0;
  return {
    times: frames.map(({ time }) => time / scale),
    sampleTimes: frames.map(({ sample }) => (sample.time + offset) / scale),
    keys: frames.map(({ sample }) => sample.isKey),
    lastDuration: frames.slice(-1).reduce((sum, { sample }) => sum + sample.duration, 0) / scale,
    cut: frames.length < shown.length,
  };
}

/** For how long nothing is shown at the beginning. @param {Edit[]} edits */
function emptyStart(edits) {
  const first = edits.findIndex(({ mediaTime }) => mediaTime !== EMPTY);
  return edits.slice(0, Math.max(0, first)).reduce((sum, { duration }) => sum + duration, 0);
}

/**
 * @param {Sample[]} samples
 * @returns {Shown[]}
 */
function wholeMedia(samples) {
  const shown = samples.map((sample) => ({ sample, time: sample.time })).filter(({ time }) => time >= 0);
  return shown.sort((one, other) => one.time - other.time);
}

/**
 * The frames of all edits, one edit after the other, as FFmpeg shows them (`mov_fix_index` of its mov.c), and so
 * Chromium and the command line: an edit begins with the first frame in it that is decoded, whether or not one is
 * shown at its start; one of no duration has no frames; an empty one behind the first counts as media from -1 on.
 * @param {Sample[]} samples
 * @param {Edit[]} edits
 */
function editedFrames(samples, edits) {
  if (edits.length * samples.length > MAX_WORK) throw new RangeError("too many edits");
  const reordered = samples.some(({ time, decoded }) => time !== decoded);
  let start = 0;
  let atStart = true;
  let count = 0;
  const shown = edits.flatMap(({ mediaTime, duration }) => {
    const begin = start;
    start += duration;
    atStart &&= mediaTime === EMPTY;
    if (atStart) return [];
    const inside = insideOf(samples, mediaTime, mediaTime + duration, reordered);
    count += inside.length;
    if (count > MAX_SHOWN) throw new RangeError("too many frames");
    const offset = inside.slice(0, 1).reduce((sum, { decoded }) => sum - decoded, begin);
    const frames = inside.map((sample) => ({ sample, time: offset + sample.time }));
    return frames.sort((one, other) => one.time - other.time);
  });
  const least = shown.reduce((least, { time }) => Math.min(least, time), Infinity);
  const late = Math.max(0, least - emptyStart(edits));
  return inOrder(shown.map(({ sample, time }) => ({ sample, time: time - late })));
}

/**
 * Where an edit begins before the one before it ends, its frames follow, as on the command line.
 * @param {Shown[]} shown
 */
function inOrder(shown) {
  let [behind, step, last] = [0, 0, 0];
  return shown.map(({ sample, time }) => {
    if (time + behind < last) behind = last + step - time;
    if (time + behind > last) step = time + behind - last;
    last = time + behind;
    return { sample, time: last };
  });
}

/**
 * The samples that are shown from a time to another, in decoding order.
 * @param {Sample[]} samples
 * @param {number} from
 * @param {number} to
 * @param {boolean} reordered whether some are shown in another order than they are decoded
 */
function insideOf(samples, from, to, reordered) {
  const inside = [];
  let keysBehind = 0;
  for (const sample of samples) {
    const { time, duration, isKey } = sample;
    if (time >= from && time < to) inside.push(sample);
    // Frames that are shown before a key can be decoded after it.
    if (isKey && time + duration >= to) {
      keysBehind += 1;
      if (!reordered || keysBehind > 1) break;
    }
  }
  return inside;
}

/**
 * For how long the first frame is decoded before it is shown, where no frame is shown before it is decoded.
 * @param {Sample[]} samples
 */
function leadOf(samples) {
  const late = samples.reduce((most, { time, decoded }) => Math.max(most, decoded - time), 0);
  return samples.slice(0, 1).reduce((lead, { time, decoded }) => lead + time - decoded, late);
}

/**
 * The time from which frames are lost in a file that was cut off: those that a decoder holds back to put them into
 * order when the first one is missing, since others may belong between them. `cut_video.py` does the same.
 * @param {number[]} times of all frames, in decoding order
 * @param {number} there how many of them the file contains
 * @param {number} [lead] for how long the first frame is decoded before it is shown, if the file states that
 */
export function firstLost(times, there, lead = 0) {
  if (there >= times.length) return Number.POSITIVE_INFINITY;
  const whole = times.slice(0, there).sort((one, other) => one - other);
  const first = times[0] ?? 0;
  const ahead = whole.filter((time) => time >= first && time < first + lead).length;
  const delay = Math.max(ahead, reorderDelay(times.slice(0, there + 1)));
  return whole[Math.max(0, there - delay)] ?? Number.POSITIVE_INFINITY;
}

/**
 * How many frames a decoder holds back to put them into order.
 * @param {number[]} times in decoding order
 */
function reorderDelay(times) {
  let most = 0;
  for (const [index, time] of times.entries()) {
    const before = times.slice(Math.max(0, index - 16), index);
    most = Math.max(most, before.filter((each) => each > time).length);
  }
  return most;
}
