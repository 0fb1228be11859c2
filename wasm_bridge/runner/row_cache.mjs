/**
 * The cached keys and values of an encoder's streams: how rows are appended and dropped, as copies of pieces.
 * `py/autogaze_web/encoder/cache.py` is the same in Python.
 * @module
 */

/**
 * Elements to copy from the cache as it was, or from the last run's new rows, to the cache as it is to be.
 * @typedef {{ from: "cache" | "fresh", source: number, target: number, length: number }} Piece
 */

/**
 * A cache is (heads, 1 + rows, depth); its first row is empty. New rows are (heads, new rows, depth).
 *
 * @param {object} shape
 * @param {number} shape.heads
 * @param {number} shape.depth
 * @param {number} shape.cached rows of the cache, without the empty one
 * @param {number} shape.fresh new rows
 * @param {number[]} kept which of the new rows are appended, ascending
 * @param {number} dropped rows that are dropped then, from the oldest
 * @returns {{ rows: number, pieces: Piece[] }} rows of the new cache, without the empty one
 */
export function cacheChange({ heads, depth, cached, fresh }, kept, dropped) {
  const rows = cached + kept.length - dropped;
  const old = Math.min(dropped, cached);
  const runs = runsOf(kept.slice(dropped - old));
  /** @type {Piece[]} */
  const pieces = [];
  for (let head = 0; head < heads; head++) {
    const from = head * (1 + cached);
    let to = head * (1 + rows) + 1;
    /** @type {(kind: Piece["from"], row: number, count: number) => void} */
    const copy = (kind, row, count) => {
      if (count > 0)
        pieces.push({ from: kind, source: row * depth, target: to * depth, length: count * depth });
      to += count;
    };
    copy("cache", from + 1 + old, cached - old);
    for (const { first, count } of runs) copy("fresh", head * fresh + first, count);
  }
  return { rows, pieces };
}

/**
 * Consecutive numbers together.
 * @param {number[]} numbers ascending
 */
function runsOf(numbers) {
  /** @type {{ first: number, count: number }[]} */
  const runs = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last.first + last.count === number) last.count += 1;
    else runs.push({ first: number, count: 1 });
  }
  return runs;
}
