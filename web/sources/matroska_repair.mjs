/**
 * What Mediabunny does not do with a Matroska or WebM (RFC 8794, RFC 9559): read one that was cut off, tell for how
 * long a frame is shown.
 * @module
 */

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const TRACKS = 0x1654ae6b;
const TRACK = 0xae;
const TRACK_NUMBER = 0xd7;
const DEFAULT_DURATION = 0x23e383;
// The longest id and size.
const HEADER_BYTES = 12;
const WINDOW_BYTES = 4096;
// More than recordings of days have; a hostile file can have an element every two bytes.
const MAX_ELEMENTS = 5_000_000;

/** What a segment and its clusters consist of (RFC 9559, 5.1). */
const KNOWN_IDS = new Set([
  CLUSTER,
  TRACKS,
  0x114d9b74, // SeekHead
  0x1549a966, // Info
  0x1c53bb6b, // Cues
  0x1941a469, // Attachments
  0x1043a770, // Chapters
  0x1254c367, // Tags
  0xec, // Void
  0xbf, // CRC-32
  0xe7, // Timestamp
  0xa3, // SimpleBlock
  0xa0, // BlockGroup
  0xab, // PrevSize
  0xa7, // Position
  0x5854, // SilentTracks
  0xaf, // EncryptedBlock
]);
// Larger files take too long to be checked block by block.
const MAX_CHECKED_BYTES = 256e6;
const CHECKED_AT_ONCE = 1_000_000;

/** @typedef {{ id: number, sizeAt: number, start: number, end: number }} Element `end` is infinite if it states no size */

/**
 * For how long each frame of a track is shown, in nanoseconds.
 * @param {Blob} file
 * @param {number} trackNumber
 * @returns {Promise<number | undefined>} 0 if the file does not say; undefined if it is no Matroska file
 */
export async function defaultDuration(file, trackNumber) {
  const segment = await segmentOf(file);
  if (!segment) return undefined;
  for await (const tracks of childrenOf(file, segment)) {
    if (tracks.id === CLUSTER) break;
    if (tracks.id !== TRACKS) continue;
    for await (const track of childrenOf(file, tracks)) {
      let [number, duration] = [0, 0];
      if (track.id !== TRACK) continue;
      for await (const { id, start, end } of childrenOf(file, track)) {
        if (id !== TRACK_NUMBER && id !== DEFAULT_DURATION) continue;
        const value = numberOf(
          new Uint8Array(await file.slice(start, Math.min(end, start + 8)).arrayBuffer()),
        );
        if (id === TRACK_NUMBER) number = value;
        else duration = value;
      }
      if (number === trackNumber) return duration;
    }
  }
  return 0;
}

/**
 * Whether there is something else where an element has to begin: readers pass over such places in silence.
 * @param {Blob} file
 */
export async function hasBrokenElements(file) {
  const segment = await segmentOf(file);
  if (!segment || file.size > MAX_CHECKED_BYTES) return false;
  let at = segment.start;
  for (let count = 0; count < MAX_ELEMENTS && at < Math.min(segment.end, file.size); count++) {
    const element = await elementAt(file, at, CHECKED_AT_ONCE);
    if (!element || !KNOWN_IDS.has(element.id)) return true;
    at = element.id === CLUSTER ? element.start : element.end;
  }
  return false;
}

/**
 * A file that was cut off, made readable as far as it goes.
 *
 * Its last cluster states more bytes than there are, and Mediabunny takes nothing of such a cluster. Here it is given
 * the size of its whole blocks.
 * @param {Blob} file
 * @returns {Promise<Blob>} the file itself if it is no Matroska file or its clusters are whole
 */
export async function withWholeClusters(file) {
  const segment = await segmentOf(file);
  if (!segment || segment.end <= file.size) return file;
  const visited = { count: 0 };
  let at = segment.start;
  while (at < file.size && visited.count++ < MAX_ELEMENTS) {
    const element = await elementAt(file, at);
    if (!element) return file.slice(0, at);
    let { end } = element;
    if (end > file.size) {
      if (element.id !== CLUSTER) return file.slice(0, at);
      const isStated = Number.isFinite(end);
      end = await endOfBlocks(file, element, visited);
      const next = await elementAt(file, end);
      if (end === file.size ? isStated : next?.id !== CLUSTER) return resized(file, element, end);
    }
    at = end;
  }
  return file;
}

/**
 * Where the last whole block of a cluster ends; one of unknown size goes up to the next cluster.
 * @param {Blob} file
 * @param {Element} cluster
 * @param {{ count: number }} visited elements, which are counted here
 */
async function endOfBlocks(file, cluster, visited) {
  let end = cluster.start;
  while (end < file.size && visited.count++ < MAX_ELEMENTS) {
    const element = await elementAt(file, end);
    if (!element || element.end > file.size || element.id === CLUSTER) break;
    end = element.end;
  }
  return end;
}

/**
 * The file up to the end of a cluster, which states this end.
 * @param {Blob} file
 * @param {Element} cluster
 * @param {number} end
 */
function resized(file, cluster, end) {
  const length = cluster.start - cluster.sizeAt;
  const size = new Uint8Array(length);
  let rest = end - cluster.start;
  for (let index = length - 1; index >= 0; index--) {
    size[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  size[0] = (size[0] ?? 0) | (0x80 >> (length - 1));
  return new Blob([file.slice(0, cluster.sizeAt), size, file.slice(cluster.start, end)]);
}

/**
 * @param {Blob} file
 * @returns {Promise<Element | undefined>} undefined if it is no Matroska file
 */
export async function segmentOf(file) {
  const head = await elementAt(file, 0);
  const segment = head?.id === EBML ? await elementAt(file, head.end) : undefined;
  return segment?.id === SEGMENT ? segment : undefined;
}

/**
 * @param {Blob} file
 * @param {Element} parent
 * @returns {AsyncGenerator<Element, void>}
 */
async function* childrenOf(file, { start, end }) {
  let at = start;
  for (let count = 0; count < MAX_ELEMENTS && at < Math.min(end, file.size); count++) {
    const element = await elementAt(file, at);
    if (!element) return;
    yield element;
    at = element.end;
  }
}

/**
 * @param {Blob} file
 * @param {number} at
 * @param {number} [readAtOnce] in bytes
 * @returns {Promise<Element | undefined>} undefined if none starts there
 */
async function elementAt(file, at, readAtOnce = WINDOW_BYTES) {
  const bytes = await headerAt(file, at, readAtOnce);
  const idLength = lengthOf(bytes[0]);
  const sizeLength = lengthOf(bytes[idLength]);
  if (idLength > 4 || sizeLength > 8 || idLength + sizeLength > bytes.length) return undefined;
  const sizeAt = at + idLength;
  const start = sizeAt + sizeLength;
  const sizeBytes = bytes.slice(idLength, idLength + sizeLength);
  sizeBytes[0] = (sizeBytes[0] ?? 0) & (0xff >> sizeLength);
  const size = numberOf(sizeBytes);
  const end = size >= 2 ** (7 * sizeLength) - 1 ? Number.POSITIVE_INFINITY : start + size;
  return { id: numberOf(bytes.subarray(0, idLength)), sizeAt, start, end };
}

/** What was read of each file last. @type {WeakMap<Blob, { start: number, bytes: Uint8Array }>} */
const windows = new WeakMap();

/**
 * @param {Blob} file
 * @param {number} at
 * @param {number} readAtOnce
 */
async function headerAt(file, at, readAtOnce) {
  let window = windows.get(file);
  if (!window || at < window.start || at + HEADER_BYTES > window.start + window.bytes.length) {
    const bytes = new Uint8Array(await file.slice(at, at + readAtOnce).arrayBuffer());
    window = { start: at, bytes };
    windows.set(file, window);
  }
  return window.bytes.subarray(at - window.start, at - window.start + HEADER_BYTES);
}

/** The length of a number by the zeros before the first one of its first byte. @param {number} [first] */
function lengthOf(first = 0) {
  return Math.clz32(first) - 23;
}

/** @param {Uint8Array} bytes */
function numberOf(bytes) {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
