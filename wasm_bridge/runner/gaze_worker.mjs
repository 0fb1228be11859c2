/**
 * A worker for the model on WebAssembly: a run holds up the thread that it is on, so it is not the one that
 * draws. `gaze_remote.mjs` is the other side.
 * @module
 */

import { CpuGazeRunner } from "./gaze_cpu.mjs";
import { loadOrt } from "./ort_loader.mjs";

/** @typedef {import("./gaze_graphs.mjs").Run} Run */
/** @typedef {import("./gaze_graphs.mjs").GraphEntry} GraphEntry */
/** @typedef {import("./gaze_graphs.mjs").RunnerCounters} RunnerCounters */

/**
 * What makes a runner.
 * @typedef {object} RunnerSetup
 * @property {string} siteUrl
 * @property {number} threads to compute with, if the page may have any
 * @property {GraphEntry[]} graphs
 * @property {string} graphsUrl
 * @property {Map<string, Uint8Array>} weights
 */

/**
 * `prepare` comes first; each message but `restart` is answered, in order.
 * @typedef {(
 *   | { type: "prepare", setup: RunnerSetup }
 *   | { type: "execute", run: Run }
 *   | { type: "restart" }
 * )} ToRunner
 * @typedef {(
 *   | { type: "prepared", threads: number, counters: RunnerCounters }
 *   | { type: "executed", decisions: Float32Array, counters: RunnerCounters }
 *   | { type: "failed", message: string }
 * )} FromRunner
 */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** @type {CpuGazeRunner | undefined} */
let runner;
let working = Promise.resolve();

scope.onmessage = ({ data }) => {
  working = working.then(() => handle(/** @type {ToRunner} */ (data)));
};

/** @param {ToRunner} message */
async function handle(message) {
  try {
    if (message.type === "prepare") await prepare(message.setup);
    else if (!runner) throw new Error("there is no model");
    else if (message.type === "restart") runner.restart();
    else {
      const decisions = await runner.execute(message.run);
      send({ type: "executed", decisions, counters: runner.counters });
    }
  } catch (error) {
    send({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {RunnerSetup} setup */
async function prepare({ siteUrl, threads, graphs, graphsUrl, weights }) {
  const ort = await loadOrt({ name: "wasm", threads }, siteUrl);
  runner = new CpuGazeRunner(ort, graphs, graphsUrl, weights);
  await runner.prepare();
  // ONNX Runtime falls back to one thread where there can be no more.
  send({ type: "prepared", threads: ort.env.wasm.numThreads ?? 1, counters: runner.counters });
}

/** @param {FromRunner} message */
function send(message) {
  scope.postMessage(message);
}
