/**
 * A worker for the model on WebAssembly: a run blocks its thread, which must not be the one that draws.
 * `gaze_remote.mjs` is the other side.
 * @module
 */

import { useRoute } from "../calls/routed_fetch.mjs";
import { serveCalls } from "../calls/serve_calls.mjs";
import { CpuGazeRunner } from "./gaze_cpu.mjs";
import { loadOrt } from "./ort_loader.mjs";

/** @import { Route } from "../calls/routed_fetch.mjs" */
/** @import { GraphEntry, Run } from "./gaze_graphs.mjs" */
/** @import { RunnerCounters } from "./runner_counters.mjs" */

/**
 * What makes a runner.
 * @typedef {object} RunnerSetup
 * @property {string} siteUrl
 * @property {number} threads to compute with, if the page may have any
 * @property {GraphEntry[]} graphs
 * @property {string} graphsUrl
 * @property {Map<string, Uint8Array>} weights
 * @property {Route} [route] to the host of the graphs
 */

/**
 * The worker's calls; `prepare` comes first.
 * @typedef {object} RunnerCalls
 * @property {(setup: RunnerSetup) => Promise<{ threads: number, counters: RunnerCounters }>} prepare
 * @property {(run: Run) => Promise<{ decisions: Float32Array, counters: RunnerCounters }>} execute
 * @property {(nothing: null) => void} restart
 */

/** @type {CpuGazeRunner | undefined} */
let runner;

/** @type {RunnerCalls} */
const calls = {
  async prepare({ siteUrl, threads, graphs, graphsUrl, weights, route }) {
    if (route) useRoute(route);
    const ort = await loadOrt({ name: "wasm", threads }, siteUrl);
    runner = new CpuGazeRunner(ort, graphs, graphsUrl, weights);
    await runner.prepare();
    // ONNX Runtime falls back to one thread where it may have no more.
    return { threads: ort.env.wasm.numThreads ?? 1, counters: runner.counters };
  },

  async execute(run) {
    const { counters } = prepared();
    return { decisions: await prepared().execute(run), counters };
  },

  restart() {
    prepared().restart();
  },
};

function prepared() {
  if (!runner) throw new Error("there is no model");
  return runner;
}

serveCalls(calls, { serialize: true });
