/**
 * What running a model costs, counted.
 * @module
 */

/**
 * What a runner has done since it was made.
 * @typedef {object} RunnerCounters
 * @property {number} runs of a graph
 * @property {number} readBacks waits for the GPU
 * @property {number} bytesRead back from the GPU
 * @property {number} bytesWritten to the GPU
 * @property {number} allocations of buffers
 */

/** @returns {RunnerCounters} */
export function newCounters() {
  return { runs: 0, readBacks: 0, bytesRead: 0, bytesWritten: 0, allocations: 0 };
}
