/**
 * What became of frames and clips.
 * @module
 */

/** @import { FrameAnswer, Rgba } from "./protocol.mjs" */

/**
 * What was chosen of a frame, in the order of choice. A pad stands for a slot in which the model stopped: it
 * has confidence 0, token -1 and lies in the middle, where nothing is to be drawn.
 * @typedef {object} Point
 * @property {number} token its id; for patch-diff the cell's number in its grid
 * @property {boolean} padded
 * @property {number} confidence 0 to 1
 * @property {number | null} taskLoss reconstruction loss predicted after this token; null for patch-diff
 * @property {number} grid cells per side of its scale
 * @property {number} row of the cell among its scale's; -1 if they are on no common grid (full-resolution)
 * @property {number} column
 * @property {number} x of its centre, as a share of the frame's width
 * @property {number} y of its centre, as a share of the frame's height
 * @property {number} width as a share of the frame's
 * @property {number} height
 * @property {number} left its pixels, from here
 * @property {number} top
 * @property {number} right to here, exclusive
 * @property {number} bottom
 */

/**
 * One scale's cells of a frame, row by row.
 * @typedef {object} ScaleMask
 * @property {number} grid cells per side of the scale, in tiles those of one tile
 * @property {number} rows
 * @property {number} columns
 * @property {Uint8Array} mask 1 for each chosen cell
 */

/** One frame: what was chosen of it, its panels and its numbers. */
export class FrameResult {
  /** Frames before it since the output began. @type {number} */
  index;
  /** @type {number} */
  width;
  /** @type {number} */
  height;
  /** Whether the output took the whole frame. @type {boolean} */
  keyframe;
  /** Chosen cells. @type {number} */
  cells;
  /** Pixels inside the cells. @type {number} */
  maskPixels;
  /** Pixels of the output that were written. @type {number} */
  updatedPixels;
  /** Share of the frame inside the cells, 0 to 1. @type {number} */
  maskRatio;
  /** Share of the output that was written, 0 to 1; null for keyframes, which no average counts. @type {number | null} */
  updateRatio;
  /** Its moving average. @type {number | null} */
  updateRatioEma;
  /** Output against input in dB, Infinity if they are equal; null for keyframes. @type {number | null} */
  psnr;
  /** Its moving average. @type {number | null} */
  psnrEma;
  /** PSNR as text of fixed width. @type {string} */
  psnrText;
  /** What choosing took, in milliseconds; undefined for patch-diff. @type {number | undefined} */
  gazeMs;
  /** Slots in which the model stopped; undefined for patch-diff. @type {number | undefined} */
  paddedTokens;
  /** Steps of the model's decoder; undefined for patch-diff. @type {number | undefined} */
  decoderSteps;
  /** Milliseconds of each stage of Python's work. @type {Record<string, number>} */
  stageMs;

  /** The frame itself, RGBA rows; null if panels were not wanted. @type {Rgba | null} */
  input;
  /** Its mask panel. @type {Rgba | null} */
  mask;
  /** The output after it. @type {Rgba | null} */
  output;

  /** @type {{ grid: number, rows: number | null, columns: number | null }[]} */
  #scales;
  /** @type {Record<string, any[]>} */
  #columns;

  /**
   * @param {FrameAnswer} answer
   * @param {Rgba | null} input
   */
  constructor({ facts, mask, output }, input) {
    this.index = facts.index;
    this.width = facts.width;
    this.height = facts.height;
    this.keyframe = facts.keyframe;
    this.cells = facts.cells;
    this.maskPixels = facts.maskPixels;
    this.updatedPixels = facts.updatedPixels;
    this.maskRatio = facts.maskRatio;
    this.updateRatio = facts.updateRatio;
    this.updateRatioEma = facts.updateRatioEma;
    this.psnr = decibels(facts.psnr);
    this.psnrEma = decibels(facts.psnrEma);
    this.psnrText = facts.psnrText;
    this.gazeMs = facts.gazeMs;
    this.paddedTokens = facts.paddedTokens;
    this.decoderSteps = facts.decoderSteps;
    this.stageMs = facts.stageMs;
    this.input = input;
    this.mask = mask;
    this.output = output;
    this.#scales = facts.scales;
    this.#columns = facts.points;
  }

  /** What was chosen, pads included. @returns {Point[]} */
  get points() {
    const names = Object.keys(this.#columns);
    return (this.#columns.token ?? []).map(
      (_, slot) =>
        /** @type {Point} */ (Object.fromEntries(names.map((name) => [name, this.#columns[name]?.[slot]]))),
    );
  }

  /** Ids of the chosen tokens in the order of choice, without pads. @returns {number[]} */
  get tokens() {
    return (this.#columns.token ?? []).filter((token) => token >= 0);
  }

  /** How many cells of each scale were chosen, coarse to fine. @returns {{ grid: number, cells: number }[]} */
  get cellsPerScale() {
    return this.#scales.map(({ grid }) => ({
      grid,
      cells: (this.#columns.grid ?? []).filter((each) => each === grid).length,
    }));
  }

  /**
   * The chosen cells of each scale as a table, coarse to fine; none of full-resolution, whose tiles' cells
   * are on no common grid.
   * @returns {ScaleMask[]}
   */
  get masks() {
    const { grid: grids = [], row = [], column = [], padded = [] } = this.#columns;
    return this.#scales.flatMap(({ grid, rows, columns }) => {
      if (rows === null || columns === null) return [];
      const mask = new Uint8Array(rows * columns);
      for (let slot = 0; slot < grids.length; slot++) {
        if (grids[slot] === grid && !padded[slot]) mask[row[slot] * columns + column[slot]] = 1;
      }
      return { grid, rows, columns, mask };
    });
  }

  /**
   * A panel for `putImageData`.
   * @param {"input" | "mask" | "output"} panel
   */
  imageData(panel) {
    return new ImageData(this.#wanted(panel), this.width, this.height);
  }

  /** Input, mask and output in one picture of three times the width. @returns {ImageData} */
  sideBySide() {
    const row = 4 * this.width;
    const pixels = new Uint8ClampedArray(3 * row * this.height);
    for (const [place, panel] of /** @type {const} */ (["input", "mask", "output"]).entries()) {
      const from = this.#wanted(panel);
      for (let y = 0; y < this.height; y++) {
        pixels.set(from.subarray(y * row, (y + 1) * row), (3 * y + place) * row);
      }
    }
    return new ImageData(pixels, 3 * this.width, this.height);
  }

  /** Points and numbers without the panels, for `JSON.stringify`. */
  toJSON() {
    const { input, mask, output, ...numbers } = this;
    return { ...numbers, tokens: this.tokens, points: this.points, cellsPerScale: this.cellsPerScale };
  }

  /** @param {"input" | "mask" | "output"} panel */
  #wanted(panel) {
    const pixels = this[panel];
    if (!pixels) throw new Error(`There is no ${panel} panel: ask for it with panels: true.`);
    return pixels;
  }
}

/** A whole clip. */
export class ClipResult {
  /** @type {FrameResult[]} */
  frames;
  /** @type {number} */
  width;
  /** @type {number} */
  height;

  /**
   * @param {FrameResult[]} frames at least one
   * @param {number} width
   * @param {number} height
   */
  constructor(frames, width, height) {
    this.frames = frames;
    this.width = width;
    this.height = height;
  }

  /** The last frame. */
  get last() {
    return /** @type {FrameResult} */ (this.frames.at(-1));
  }
}

/** @param {number | "Infinity" | null} value */
function decibels(value) {
  return value === "Infinity" ? Infinity : value;
}
