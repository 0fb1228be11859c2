/**
 * Starts what runs a model's graphs. A GPU that fails meanwhile is replaced by WebAssembly, unless the user asked for
 * WebGPU.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { FileError } from "../calls/limited_fetch.mjs";
import { withTimeLimit } from "../calls/time_limit.mjs";
import { chooseBackend, wasmBackend } from "../runner/backend.mjs";
import { RemoteGazeRunner } from "../runner/gaze_remote.mjs";
import { loadOrt, startFault } from "../runner/ort_loader.mjs";

/** @import { Backend, BackendName } from "../runner/backend.mjs" */
/** @import { GazeRunner } from "../runner/gaze_graphs.mjs" */
/** @import { RunnerSetup } from "../runner/gaze_worker.mjs" */

/** @typedef {Omit<RunnerSetup, "threads" | "graphs">} Setup */

/**
 * A runner that is ready.
 * @typedef {object} Started
 * @property {GazeRunner} runner
 * @property {Backend} backend
 * @property {string} graphs JSON of the graphs in use
 * @property {string[]} notes sentences about what did not go as usual
 */

const GPU_TIMEOUT_MS = 60_000;
// A driver that is reset takes its devices with it; the next adapter is a new one.
const GPU_TRIES = 2;

class GpuLostError extends Error {}

/**
 * @param {BackendName | "auto"} wanted
 * @param {(target: "gpu" | "cpu") => string} graphsFor chooses the graphs, as JSON
 * @param {Setup} setup
 * @param {(backend: Backend, setup: Omit<RunnerSetup, "threads">) => Promise<GazeRunner>} [make]
 * @returns {Promise<Started>}
 * @throws {Error} with a sentence for the user if no backend can run the graphs
 */
export async function startRunner(wanted, graphsFor, setup, make = makeRunner) {
  const start = async (/** @type {Backend} */ backend) => {
    const graphs = chooseGraphs(graphsFor, backend.adapter ? "gpu" : "cpu");
    const runner = await make(backend, { ...setup, graphs: JSON.parse(graphs) });
    try {
      await Promise.race([runner.prepare(), lossOf(runner)]);
    } catch (error) {
      runner.close().catch(() => {}); // not awaited: a lost GPU might never answer
      throw error;
    }
    const described = runner instanceof RemoteGazeRunner ? wasmBackend(runner.threads) : backend;
    return { runner, backend: described, graphs, notes: /** @type {string[]} */ ([]) };
  };
  let fault = new Error();
  for (let tries = 1; tries <= GPU_TRIES; tries++) {
    const backend = await chooseBackend(wanted);
    try {
      return await start(backend);
    } catch (error) {
      const mayRetry = error instanceof GpuLostError && tries < GPU_TRIES;
      fault = startFault(error);
      if (!backend.adapter || (wanted === "webgpu" && !mayRetry)) throw fault;
      if (!mayRetry) break;
    }
  }
  const started = await start(await chooseBackend("wasm"));
  const cause = fault instanceof FileError ? "what the GPU needs is unavailable" : "the GPU failed";
  started.notes.push(`The model runs on WebAssembly, because ${cause}: ${messageOf(fault)}`);
  return started;
}

/**
 * @param {(target: "gpu" | "cpu") => string} graphsFor
 * @param {"gpu" | "cpu"} target
 * @throws {FileError} if there are none for the target
 */
function chooseGraphs(graphsFor, target) {
  try {
    return graphsFor(target);
  } catch (error) {
    throw new FileError(messageOf(error));
  }
}

/**
 * @param {Backend} backend
 * @param {Omit<RunnerSetup, "threads">} setup
 * @returns {Promise<GazeRunner>}
 */
async function makeRunner(backend, setup) {
  const { adapter, threads } = backend;
  if (!adapter) return new RemoteGazeRunner({ ...setup, threads });
  const [ort, { GpuGazeRunner }] = await Promise.all([loadOrt(backend, setup.siteUrl), gpuModule()]);
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  const requested = adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    requiredFeatures: /** @type {GPUFeatureName[]} */ (
      ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature))
    ),
  });
  const silent = "The GPU does not answer: use backend=wasm, or restart the browser.";
  const device = await withTimeLimit(requested, GPU_TIMEOUT_MS, silent);
  return new GpuGazeRunner(ort, device, setup.graphs, setup.graphsUrl, setup.weights);
}

/** Only a page with a GPU needs it. */
function gpuModule() {
  return import("../runner/gaze_gpu.mjs").catch(() => {
    throw new FileError("A part of the page is missing: reload it.");
  });
}

/**
 * @param {GazeRunner} runner
 * @returns {Promise<never>}
 * @throws {GpuLostError} with a sentence for the user once the runner's GPU is lost
 */
async function lossOf(runner) {
  await runner.lost;
  throw new GpuLostError("The GPU was lost while the model was loading: load it again, or use backend=wasm.");
}
