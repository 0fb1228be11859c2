/**
 * The index of an MP4 or MOV: which frames there are, when they are shown, and whether their bytes are there
 * (ISO/IEC 14496-12). All of it is in one box, so a film of hours is counted at once.
 * @module
 */

/**
 * The frames of a video, in order of presentation. Times are in seconds.
 * @typedef {object} FrameTable
 * @property {number[]} times at which they are shown, from the start of the presentation
 * @property {number[]} sampleTimes by which Mediabunny knows them
 * @property {boolean[]} keys whether they can be decoded without others
 * @property {number} lastDuration for how long the last one is shown; 0 if unknown
 * @property {number | null} framesPerSecond of the media on average, those before and after edits included
 * @property {boolean} cut whether frames are missing at the end
 * @property {number} width in pixels
 * @property {number} height
 */

/** @import { Box } from "./mp4_boxes.mjs" */
/** @import { Edit, Samples } from "./mp4_edits.mjs" */

import { boxesOf, withWholeBoxes } from "./file_kind.mjs";
import { childrenOf, contentOf, find, isLong, runs, textAt } from "./mp4_boxes.mjs";
import { presented } from "./mp4_edits.mjs";

const MAX_INDEX_BYTES = 256e6;

/**
 * @param {Blob} file
 * @param {"vide" | "pict"} [handler] the kind of tracks: videos, or the pictures of an animated AVIF
 * @returns {Promise<Map<number, FrameTable> | null>} of each such track by its id; null if the file has no index, because
 *   it is fragmented or no MP4
 * @throws {Error} with the reason if it is fragmented only in part
 */
export async function readMp4Index(file, handler = "vide") {
  const view = await findMoov(await withWholeBoxes(file));
  if (!view) return null;
  const boxes = [...childrenOf(view, contentOf(view))];
  const header = boxes.find(({ type }) => type === "mvhd");
  if (!header) return null;
  const tracks = boxes.filter(({ type }) => type === "trak");
  if (boxes.some(({ type }) => type === "mvex")) {
    // Mediabunny reads the frames of the index or those of the fragments.
    if (tracks.some((trak) => countSamples(view, trak) > 0)) {
      throw new Error("only a part of its frames is in its index");
    }
    return null;
  }
  const movieScale = view.getUint32(header.start + (isLong(view, header) ? 20 : 12));
  try {
    const tables = tracks.map((trak) => frameTable(view, trak, { movieScale, handler, fileSize: file.size }));
    return new Map(tables.filter((each) => each !== null));
  } catch (error) {
    if (error instanceof RangeError) return null; // a box that ends before its content does
    throw error;
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<DataView | undefined>} the box `moov`, if the file has one and no fragments before it
 */
async function findMoov(file) {
  const box = (await boxesOf(file)).find(({ type }) => type === "moov" || type === "moof");
  if (box?.type !== "moov" || box.end - box.start > MAX_INDEX_BYTES) return undefined;
  return new DataView(await file.slice(box.start, box.end).arrayBuffer());
}

/**
 * @param {DataView} view
 * @param {Box} trak
 * @param {{ movieScale: number, handler: string, fileSize: number }} file `movieScale`: units of its clock in a second
 * @returns {[number, FrameTable] | null} null for another kind of track
 */
function frameTable(view, trak, { movieScale, handler, fileSize }) {
  const track = find(view, trak, "tkhd");
  const media = find(view, trak, "mdia", "mdhd");
  const kind = find(view, trak, "mdia", "hdlr");
  const table = find(view, trak, "mdia", "minf", "stbl");
  if (!track || !media || !kind || !table || textAt(view, kind.start + 8) !== handler) return null;
  const id = view.getUint32(track.start + (isLong(view, track) ? 20 : 12));
  const scale = view.getUint32(media.start + (isLong(view, media) ? 20 : 12));
  const samples = readSamples(view, table, fileSize);
  const edits = readEdits(view, find(view, trak, "edts", "elst"), scale / movieScale);
  const sizeAt = track.start + (isLong(view, track) ? 88 : 76);
  const [width, height] = [view.getUint32(sizeAt) / 65536, view.getUint32(sizeAt + 4) / 65536];
  const lasting = samples.all.reduce((sum, { duration }) => sum + duration, 0);
  // One division, so that the number is that of the command line.
  const framesPerSecond = lasting > 0 ? (samples.all.length * scale) / lasting : null;
  return [id, { ...presented(samples, edits, scale), framesPerSecond, width, height }];
}

/** @param {DataView} view @param {Box} trak */
function countSamples(view, trak) {
  const sizes = find(view, trak, "mdia", "minf", "stbl", "stsz");
  return sizes && sizes.start + 12 <= view.byteLength ? view.getUint32(sizes.start + 8) : 0;
}

/**
 * @param {DataView} view
 * @param {Box} table
 * @param {number} fileSize
 * @returns {Samples}
 */
function readSamples(view, table, fileSize) {
  const durations = runs(view, find(view, table, "stts"), false, fileSize);
  const offsets = runs(view, find(view, table, "ctts"), true, fileSize);
  const sync = find(view, table, "stss");
  const keys = sync && new Set(numbers(view, sync, 4, 4).map((number) => number - 1));
  let decoded = 0;
  const all = durations.map((duration, index) => {
    const time = decoded + (offsets[index] ?? 0);
    decoded += duration;
    return { index, time, decoded: decoded - duration, duration, isKey: !keys || keys.has(index) };
  });
  return { all, there: wholeSamples(view, table, all.length, fileSize) };
}

/**
 * @param {DataView} view
 * @param {Box} box
 * @param {number} countAt where in it the number of entries stands
 * @param {4 | 8} width of an entry
 */
function numbers(view, box, countAt, width) {
  const count = view.getUint32(box.start + countAt);
  const first = box.start + countAt + 4;
  if (first + count * width > view.byteLength) throw new RangeError("the box is too short");
  return Array.from({ length: count }, (_, index) =>
    width === 4 ? view.getUint32(first + 4 * index) : Number(view.getBigUint64(first + 8 * index)),
  );
}

/**
 * How many samples come before the first one that is not whole in the file.
 * @param {DataView} view
 * @param {Box} table
 * @param {number} count
 * @param {number} fileSize
 */
function wholeSamples(view, table, count, fileSize) {
  const [sizeBox, chunkBox] = [find(view, table, "stsz"), find(view, table, "stsc")];
  const [short, long] = [find(view, table, "stco"), find(view, table, "co64")];
  if (!sizeBox || !chunkBox || !(short || long)) return count;
  const oneSize = view.getUint32(sizeBox.start + 4);
  const sizes = oneSize ? [] : numbers(view, sizeBox, 8, 4);
  const chunks = long ? numbers(view, long, 4, 8) : numbers(view, /** @type {Box} */ (short), 4, 4);
  const groups = view.getUint32(chunkBox.start + 4);
  let [sample, group, perChunk] = [0, 0, 1];
  for (let chunk = 0; chunk < chunks.length; chunk++) {
    const at = chunkBox.start + 8 + 12 * group;
    if (group < groups && view.getUint32(at) === chunk + 1) {
      perChunk = view.getUint32(at + 4);
      group += 1;
    }
    let end = chunks[chunk] ?? 0;
    for (let index = 0; index < perChunk && sample < count; index++) {
      end += oneSize || (sizes[sample] ?? 0);
      if (end > fileSize) return sample;
      sample += 1;
    }
  }
  return sample;
}

/**
 * @param {DataView} view
 * @param {Box | undefined} box
 * @param {number} factor from units of the movie to units of the track
 */
function readEdits(view, box, factor) {
  /** @type {Edit[]} */
  const edits = [];
  const long = box && isLong(view, box);
  for (let entry = 0; box && entry < view.getUint32(box.start + 4); entry++) {
    const at = box.start + 8 + (long ? 20 : 12) * entry;
    const duration = long ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const mediaTime = long ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    edits.push({ mediaTime, duration: Math.round(duration * factor) });
  }
  return edits;
}
