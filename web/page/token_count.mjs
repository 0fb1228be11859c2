/**
 * How much of the frames is processed: counts, totals and their texts.
 * @module
 */

/**
 * What a frame's report says of its cells.
 * @typedef {{ maskTiming?: "own" | "newest", tokens?: number, tiles?: number, cells: number, grids: number[] }} FrameNumbers
 */

/**
 * What one frame needed: `used` of `all`.
 * @typedef {{ unit: "token" | "cell", used: number, all: number }} Share
 */

const NUMBER = new Intl.NumberFormat("en");

/**
 * Tokens with a model, cells with patch-diff.
 * @param {FrameNumbers} numbers
 * @returns {Share | undefined} undefined while the model is processing its first frame
 */
export function shareOf({ maskTiming, tokens, tiles = 0, cells, grids }) {
  const all = grids.reduce((sum, grid) => sum + grid * grid, 0);
  if (!maskTiming) return { unit: "cell", used: cells, all };
  return tokens === undefined ? undefined : { unit: "token", used: tokens, all: all * Math.max(tiles, 1) };
}

/** The tokens or cells of all frames since the start, or since the unit changed. */
export class RunningTotal {
  /** @type {Share | undefined} */
  total;
  #gazes = 0;

  /** @param {FrameNumbers & { gazes?: number }} report */
  add(report) {
    const share = shareOf(report);
    // A frame that is shown with the cells of an earlier one costs nothing.
    const isNew = report.gazes === undefined || report.gazes > this.#gazes;
    this.#gazes = report.gazes ?? 0;
    if (!share || !isNew) return;
    const before = this.total?.unit === share.unit ? this.total : { used: 0, all: 0 };
    this.total = { unit: share.unit, used: before.used + share.used, all: before.all + share.all };
  }

  restart() {
    this.total = undefined;
    this.#gazes = 0;
  }
}

/** @param {Share} share such as 16 of 265 tokens */
export function shareText(share) {
  const { unit, used, all } = share;
  return `${NUMBER.format(used)} of ${NUMBER.format(all)} ${unit}s · ${skippedText(share)} skipped`;
}

/**
 * The share that was skipped; 0 % and 100 % are exact.
 * @param {Share} share
 */
export function skippedText({ used, all }) {
  const percent = all === 0 ? 0 : (1 - used / all) * 100;
  const rounded = Math.round(percent);
  const isExact = (rounded !== 100 || used === 0) && (rounded !== 0 || used >= all);
  return `${isExact ? rounded : percent.toFixed(2).replace(/0$/, "")} %`;
}

/** @param {Share} share of all frames since the start */
export function totalText({ unit, used, all }) {
  return `${NUMBER.format(used)} instead of ${NUMBER.format(all)} ${unit}s so far`;
}
