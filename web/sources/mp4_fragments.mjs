/**
 * How many frames a fragmented MP4 has and for how long they are shown (ISO/IEC 14496-12, 8.8).
 * `py/autogaze_web/files/mp4_fragments.py` does the same on the command line.
 * @module
 */

/** @import { Box } from "./mp4_boxes.mjs" */

import { boxesOf, withWholeBoxes } from "./file_kind.mjs";
import { childrenOf, contentOf, find, isLong, runs } from "./mp4_boxes.mjs";

const MAX_INDEX_BYTES = 100e6;
// Flags of `tfhd` and `trun`, 8.8.7 and 8.8.8: which fields there are.
const [BASE_OFFSET, DESCRIPTION, DURATION] = [0x01, 0x02, 0x08];
const [DATA_OFFSET, FIRST_FLAGS, FRAME_DURATION] = [0x001, 0x004, 0x100];
const FRAME_FIELDS = [FRAME_DURATION, 0x200, 0x400, 0x800];

/**
 * @param {Blob} file
 * @param {number} track its id
 * @returns {Promise<number | null | undefined>} frames per second on average, null if that is not stated; undefined if the
 *   file has no fragments or they are damaged
 */
export async function fragmentedRate(file, track) {
  const whole = await withWholeBoxes(file);
  const boxes = await boxesOf(whole);
  if (!boxes.some(({ type }) => type === "moof")) return undefined;
  let [count, total, scale, defaultDuration] = [0, 0, 0, 0];
  const add = (/** @type {[number, number]} */ [frames, duration]) => {
    count += frames;
    total += duration;
  };
  try {
    for (const { type, start, end } of boxes) {
      if (end > whole.size || (type !== "moov" && type !== "moof")) continue;
      if (end - start > MAX_INDEX_BYTES) return undefined;
      const view = new DataView(await whole.slice(start, end).arrayBuffer());
      const content = contentOf(view);
      if (type === "moov") {
        const index = readMovie(view, content, track);
        ({ scale, defaultDuration } = index);
        add(index.sum);
      } else for (const sum of fragmentSums(view, content, track, defaultDuration)) add(sum);
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  if (!scale || !count) return undefined;
  return total > 0 ? (count * scale) / total : null;
}

/**
 * @param {DataView} view
 * @param {Box} movie
 * @param {number} track
 */
function readMovie(view, movie, track) {
  let [scale, defaultDuration] = [0, 0];
  /** @type {[number, number]} */
  const sum = [0, 0];
  for (const trak of childrenOf(view, movie)) {
    const header = find(view, trak, "tkhd");
    const media = find(view, trak, "mdia", "mdhd");
    if (trak.type !== "trak" || !header || !media) continue;
    if (view.getUint32(header.start + (isLong(view, header) ? 20 : 12)) !== track) continue;
    scale = view.getUint32(media.start + (isLong(view, media) ? 20 : 12));
    const durations = runs(view, find(view, trak, "mdia", "minf", "stbl", "stts"));
    sum[0] = durations.length;
    sum[1] = durations.reduce((total, duration) => total + duration, 0);
  }
  const defaults = find(view, movie, "mvex");
  for (const { type, start } of defaults ? childrenOf(view, defaults) : []) {
    if (type === "trex" && view.getUint32(start + 4) === track) defaultDuration = view.getUint32(start + 12);
  }
  return { scale, defaultDuration, sum };
}

/**
 * The number of frames of each run of a fragment, and for how long they are shown.
 * @param {DataView} view
 * @param {Box} moof
 * @param {number} track
 * @param {number} defaultDuration
 * @returns {Generator<[number, number], void>}
 */
function* fragmentSums(view, moof, track, defaultDuration) {
  for (const traf of childrenOf(view, moof)) {
    const header = find(view, traf, "tfhd");
    if (traf.type !== "traf" || !header || view.getUint32(header.start + 4) !== track) continue;
    const flags = view.getUint32(header.start);
    const at = header.start + 8 + (flags & BASE_OFFSET ? 8 : 0) + (flags & DESCRIPTION ? 4 : 0);
    const usual = flags & DURATION ? view.getUint32(at) : defaultDuration;
    for (const run of childrenOf(view, traf)) if (run.type === "trun") yield runSum(view, run, usual);
  }
}

/**
 * @param {DataView} view
 * @param {Box} run
 * @param {number} usual duration of frames that do not state one
 * @returns {[number, number]}
 */
function runSum(view, run, usual) {
  const flags = view.getUint32(run.start);
  const count = view.getUint32(run.start + 4);
  if (!(flags & FRAME_DURATION)) return [count, count * usual];
  const width = 4 * FRAME_FIELDS.filter((each) => flags & each).length;
  const first = run.start + 8 + (flags & DATA_OFFSET ? 4 : 0) + (flags & FIRST_FLAGS ? 4 : 0);
  let sum = 0;
  for (let index = 0; index < count; index++) sum += view.getUint32(first + index * width);
  return [count, sum];
}
