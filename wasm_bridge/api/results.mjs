/**
 * The results of frames and clips.
 * @module
 */

/** @import { FrameAnswer, Rgba } from "./protocol.mjs" */

/**
 * One chosen cell of a frame, or a pad: a slot in which the model stopped. A pad has confidence 0 and token -1,
 * and its position, the middle of the frame, must not be drawn.
 * @typedef {object} Point
 * @property {number} token id; for patch-diff the cell's index in its grid
 * @property {boolean} padded
 * @property {number} confidence 0 to 1
 * @property {number | null} taskLoss reconstruction loss predicted after this token; null for patch-diff
 * @property {number} grid cells per side of its scale
 * @property {number} row of the cell in its scale; -1 in full-resolution, where the cells are on no common grid
 * @property {number} column
 * @property {number} x of its centre, as a share of the frame's width
 * @property {number} y of its centre, as a share of the frame's height
 * @property {number} width as a share of the frame's
 * @property {number} height
 * @property {number} left first pixel column
 * @property {number} top first pixel row
 * @property {number} right end of its pixel columns, exclusive
 * @property {number} bottom end of its pixel rows, exclusive
 */

/**
 * One scale's cells of a frame, row by row.
 * @typedef {object} ScaleMask
 * @property {number} grid cells per side of the scale, or of one tile in the tiled modes
 * @property {number} rows
 * @property {number} columns
 * @property {Uint8Array} mask 1 for each chosen cell
 */

/** The result of one frame: its chosen cells, its panels and its numbers. */
export class FrameResult {
  /** Number of frames before it since the output started. @type {number} */
  index;
  /** @type {number} */
  width;
  /** @type {number} */
  height;
  /** Whether the frame replaced the whole output. @type {boolean} */
  keyframe;
  /** Number of chosen cells. @type {number} */
  cells;
  /** Pixels inside the cells. @type {number} */
  maskPixels;
  /** Pixels of the output that were written. @type {number} */
  updatedPixels;
  /** Share of the frame inside the cells, 0 to 1. @type {number} */
  maskRatio;
  /** Share of the output that was written, 0 to 1; null for keyframes, which the average excludes. @type {number | null} */
  updateRatio;
  /** Moving average of `updateRatio`. @type {number | null} */
  updateRatioEma;
  /** PSNR of the output against the input in dB, Infinity if they are equal; null for keyframes. @type {number | null} */
  psnr;
  /** Moving average of `psnr`. @type {number | null} */
  psnrEma;
  /** PSNR as text of fixed width. @type {string} */
  psnrText;
  /** Milliseconds that the model took to choose the cells; undefined for patch-diff. @type {number | undefined} */
  gazeMs;
  /** Slots in which the model stopped; undefined for patch-diff. @type {number | undefined} */
  paddedTokens;
  /** Number of decoder steps; undefined for patch-diff. @type {number | undefined} */
  decoderSteps;
  /** Milliseconds of each stage in Python. @type {Record<string, number>} */
  stageMs;

  /** The frame itself, RGBA rows; null if panels were not requested. @type {Rgba | null} */
  input;
  /** The mask panel. @type {Rgba | null} */
  mask;
  /** The output after this frame. @type {Rgba | null} */
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

  /** The chosen cells in the order of choice, pads included. @returns {Point[]} */
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

  /** Number of chosen cells per scale, coarse to fine. @returns {{ grid: number, cells: number }[]} */
  get cellsPerScale() {
    return this.#scales.map(({ grid }) => ({
      grid,
      cells: (this.#columns.grid ?? []).filter((each) => each === grid).length,
    }));
  }

  /**
   * The chosen cells of each scale as a table, coarse to fine. Empty in full-resolution, where the tiles' cells
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
    return new ImageData(this.#panel(panel), this.width, this.height);
  }

  /** Input, mask and output side by side, in a picture of three times the width. @returns {ImageData} */
  sideBySide() {
    const row = 4 * this.width;
    const pixels = new Uint8ClampedArray(3 * row * this.height);
    for (const [place, panel] of /** @type {const} */ (["input", "mask", "output"]).entries()) {
      const from = this.#panel(panel);
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
  #panel(panel) {
    const pixels = this[panel];
    if (!pixels) throw new Error(`There is no ${panel} panel: ask for it with panels: true.`);
    return pixels;
  }
}

/** The result of a clip. */
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

  /** The result of the last frame. */
  get last() {
    return /** @type {FrameResult} */ (this.frames.at(-1));
  }
}

/** @param {number | "Infinity" | null} value */
function decibels(value) {
  return value === "Infinity" ? Infinity : value;
}
