/**
 * The numbers of the last frames: a ring buffer, so that a stream of any length takes the same memory.
 * @module
 */

/** @import { FrameReport } from "../../wasm_bridge/autogaze.mjs" */

/**
 * One frame's numbers; NaN where there is none.
 * @typedef {object} Sample
 * @property {number} ratio share of the output's pixels that were written, 0 to 1
 * @property {number} psnr in dB; Infinity if output and input are equal
 * @property {number} cells
 * @property {Record<number, number>} byScale cells on each grid, by its cells per side
 * @property {Record<string, number>} stages milliseconds by name
 * @property {number} total milliseconds from the capture of the frame to its end
 */

export class FrameLog {
  #capacity;
  /** @type {Sample[]} */
  #ring = [];
  #next = 0;

  /** @param {number} capacity the number of frames it holds */
  constructor(capacity) {
    this.#capacity = capacity;
  }

  get size() {
    return this.#ring.length;
  }

  get capacity() {
    return this.#capacity;
  }

  /** @param {Sample} sample */
  add(sample) {
    this.#ring[this.#next] = sample;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  clear() {
    this.#ring = [];
    this.#next = 0;
  }

  /** @returns {Sample[]} oldest first */
  samples() {
    if (this.#ring.length < this.#capacity) return [...this.#ring];
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
  }
}

/**
 * @param {FrameReport} report
 * @param {number} total milliseconds from the capture of the frame to its end
 * @returns {Sample}
 */
export function sampleOf(report, total) {
  const { updateRatio, psnr, cells, grids, cellsByScale, stageMs, workerMs, gazeStageMs } = report;
  return {
    ratio: updateRatio ?? Number.NaN,
    psnr: psnr === "Infinity" ? Number.POSITIVE_INFINITY : (psnr ?? Number.NaN),
    cells,
    // With the grids that have no cells yet: their rows do not push the others down when the first one comes.
    byScale: { ...Object.fromEntries(grids.map((grid) => [grid, 0])), ...cellsByScale },
    stages: { capture: workerMs.capture, ...gazeStageMs, ...stageMs, draw: workerMs.draw },
    total,
  };
}

/**
 * The mean of each named number over some records; a record that lacks a name counts as 0.
 * @param {Record<string, number>[]} records
 * @returns {Map<string, number>} in the order in which the names first come
 */
export function means(records) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  for (const [name, sum] of sums) sums.set(name, sum / records.length);
  return sums;
}
