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
 * @property {boolean} cut whether frames are missing at the end
 * @property {number} width in pixels
 * @property {number} height
 */

/** @typedef {{ type: string, start: number, end: number }} Box its content */
/** @typedef {{ start: number, mediaTime: number, duration: number }} Edit in units of the track; a part of the media and when it is shown */

const MAX_TOP_BOXES = 10_000;
const MAX_INDEX_BYTES = 256e6;

/**
 * @param {Blob} file
 * @param {"vide" | "pict"} [handler] the kind of tracks: videos, or the pictures of an animated AVIF
 * @returns {Promise<Map<number, FrameTable> | null>} of each such track by its id; null if the file has no index, because
 *   it is fragmented or no MP4
 */
export async function readMp4Index(file, handler = "vide") {
  const moov = await findMoov(file);
  if (!moov) return null;
  const view = new DataView(moov);
  const boxes = [...childrenOf(view, { type: "moov", start: 0, end: view.byteLength })];
  const header = boxes.find(({ type }) => type === "mvhd");
  if (!header || boxes.some(({ type }) => type === "mvex")) return null;
  const movieScale = view.getUint32(header.start + (isLong(view, header) ? 20 : 12));
  try {
    const tracks = boxes.filter(({ type }) => type === "trak");
    const tables = tracks.map((trak) => frameTable(view, trak, { movieScale, handler, fileSize: file.size }));
    return new Map(tables.filter((each) => each !== null));
  } catch (error) {
    if (error instanceof RangeError) return null; // a box that ends before its content does
    throw error;
  }
}

/**
 * @param {Blob} file
 * @returns {Promise<ArrayBuffer | undefined>} the content of the box `moov`
 */
async function findMoov(file) {
  let at = 0;
  for (let count = 0; count < MAX_TOP_BOXES && at + 8 <= file.size; count++) {
    const view = new DataView(await file.slice(at, at + 16).arrayBuffer());
    const [box] = childrenOf(view, { type: "", start: 0, end: file.size - at });
    if (!box || box.type === "moof") return undefined;
    if (box.type === "moov" && box.end <= MAX_INDEX_BYTES) {
      return file.slice(at + box.start, at + box.end).arrayBuffer();
    }
    at += box.end;
  }
  return undefined;
}

/**
 * @param {DataView} view
 * @param {Box} parent
 * @returns {Generator<Box, void>}
 */
function* childrenOf(view, { start, end }) {
  let at = start;
  while (at + 8 <= Math.min(end, view.byteLength)) {
    let size = view.getUint32(at);
    let content = at + 8;
    if (size === 1 && at + 16 <= view.byteLength) {
      size = Number(view.getBigUint64(at + 8));
      content = at + 16;
    } else if (size === 0) size = end - at;
    if (size < content - at) return;
    yield { type: textAt(view, at + 4), start: content, end: Math.min(at + size, end) };
    at += size;
  }
}

/**
 * @param {DataView} view
 * @param {Box} parent
 * @param {string[]} path
 * @returns {Box | undefined}
 */
function find(view, parent, ...path) {
  /** @type {Box | undefined} */
  let box = parent;
  for (const name of path) box = box && [...childrenOf(view, box)].find(({ type }) => type === name);
  return box;
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
  const { edits, emptyStart } = readEdits(view, find(view, trak, "edts", "elst"), scale / movieScale);
  const sizeAt = track.start + (isLong(view, track) ? 88 : 76);
  const [width, height] = [view.getUint32(sizeAt) / 65536, view.getUint32(sizeAt + 4) / 65536];
  return [id, { ...presented(samples, edits, emptyStart, scale), width, height }];
}

/**
 * In decoding order, times in units of the track.
 * @typedef {object} Samples
 * @property {number[]} times
 * @property {number[]} durations
 * @property {Set<number> | undefined} keys
 * @property {number} there how many of them the file contains
 * @property {number} delay how many frames a decoder holds back to put them into order
 */

/**
 * @param {DataView} view
 * @param {Box} table
 * @param {number} fileSize
 * @returns {Samples} `there`: how many of them the file contains
 */
function readSamples(view, table, fileSize) {
  const durations = runs(view, find(view, table, "stts"));
  const offsets = runs(view, find(view, table, "ctts"), true);
  let time = 0;
  const times = durations.map((duration, index) => {
    const shown = time + (offsets[index] ?? 0);
    time += duration;
    return shown;
  });
  const sync = find(view, table, "stss");
  const keys = sync && new Set(numbers(view, sync, 4, 4).map((number) => number - 1));
  const there = wholeSamples(view, table, times.length, fileSize);
  // The first frame is shown this much later than it is decoded.
  const delay = durations[0] ? Math.max(0, Math.round((offsets[0] ?? 0) / durations[0])) : 0;
  return { times, durations, keys, there, delay };
}

/**
 * @param {DataView} view
 * @param {Box | undefined} box entries of a count and a value
 * @param {boolean} [signed]
 */
function runs(view, box, signed = false) {
  /** @type {number[]} */
  const values = [];
  if (!box) return values;
  const entries = view.getUint32(box.start + 4);
  for (let entry = 0; entry < entries; entry++) {
    const at = box.start + 8 + 8 * entry;
    const value = signed ? view.getInt32(at + 4) : view.getUint32(at + 4);
    const count = view.getUint32(at);
    if (values.length + count > MAX_INDEX_BYTES) throw new RangeError("too many samples");
    for (let index = 0; index < count; index++) values.push(value);
  }
  return values;
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
 * @returns {{ edits: Edit[], emptyStart: number }} `emptyStart`: for how long nothing is shown before the first
 */
function readEdits(view, box, factor) {
  /** @type {Edit[]} */
  const edits = [];
  let [start, emptyStart] = [0, 0];
  const long = box && isLong(view, box);
  for (let entry = 0; box && entry < view.getUint32(box.start + 4); entry++) {
    const at = box.start + 8 + (long ? 20 : 12) * entry;
    const stated = long ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const mediaTime = long ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    const duration = Math.round(stated * factor);
    if (mediaTime >= 0)
      edits.push({ start, mediaTime, duration: stated ? duration : Number.POSITIVE_INFINITY });
    else if (edits.length === 0) emptyStart += duration;
    start += duration;
  }
  return { edits, emptyStart };
}

/**
 * The frames inside the presentation.
 *
 * If a part does not begin with a frame, the first frame in it is shown from the beginning, as FFmpeg and so
 * Chromium have it.
 * @param {Samples} samples
 * @param {Edit[]} edits none: all of the media is shown
 * @param {number} emptyStart
 * @param {number} scale
 * @returns {Omit<FrameTable, "width" | "height">}
 */
function presented({ times, durations, keys, there, delay }, edits, emptyStart, scale) {
  const whole = { start: 0, mediaTime: 0, duration: Number.POSITIVE_INFINITY };
  const missingFrom = there < times.length ? firstLost(times, there, delay) : Number.POSITIVE_INFINITY;
  const order = [...times.keys()].sort((one, other) => (times[one] ?? 0) - (times[other] ?? 0));
  const shown = (edits.length > 0 ? edits : [whole]).flatMap(({ start, mediaTime, duration }) =>
    order
      .map((index) => ({ index, sampleTime: times[index] ?? 0 }))
      .filter(({ sampleTime }) => sampleTime >= mediaTime && sampleTime < mediaTime + duration)
      .map((sample) => ({ ...sample, time: sample.sampleTime - mediaTime + start })),
  );
  const late = edits.length > 0 ? Math.max(0, (shown[0]?.time ?? 0) - emptyStart) : 0;
  const frames = shown.filter(({ sampleTime }) => sampleTime < missingFrom);
  // Mediabunny knows the first part alone.
  const [first = whole] = edits;
  const lastIndex = frames.at(-1)?.index ?? 0;
  return {
    times: frames.map(({ time }) => (time - late) / scale),
    sampleTimes: frames.map(({ sampleTime }) => (sampleTime - first.mediaTime + first.start) / scale),
    keys: frames.map(({ index }) => !keys || keys.has(index)),
    lastDuration: (durations[lastIndex] ?? 0) / scale,
    cut: frames.length < shown.length,
  };
}

/**
 * The time from which frames are lost in a file that was cut off: those that are missing, those that may depend on
 * them, and those that a decoder would still hold back when the file ends.
 * @param {number[]} times
 * @param {number} there
 * @param {number} delay
 */
function firstLost(times, there, delay) {
  const missing = times.slice(there).reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const decoded = times.slice(0, there).sort((one, other) => one - other);
  return Math.min(missing, decoded[Math.max(0, there - delay)] ?? missing);
}

/** @param {DataView} view @param {Box} box whose fields are twice as wide in version 1 */
function isLong(view, box) {
  return view.getUint8(box.start) === 1;
}

/** @param {DataView} view @param {number} at */
function textAt(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}
