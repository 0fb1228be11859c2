/**
 * Starts what runs a model's graphs, of AutoGaze or of an encoder. A GPU that fails meanwhile is replaced by WebAssembly, unless the user asked for
 * WebGPU.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { FileError } from "../calls/limited_fetch.mjs";
import { chooseBackend, wasmBackend } from "../runner/backend.mjs";
import { startFault } from "../runner/ort_loader.mjs";

/** @import { Backend, BackendName } from "../runner/backend.mjs" */

/**
 * What runs graphs.
 * @typedef {object} Runner
 * @property {() => Promise<void>} prepare
 * @property {() => Promise<void>} close
 * @property {Promise<void>} lost resolves if what it runs on goes away
 * @property {number} [threads] of WebAssembly, once prepared
 */

/**
 * A runner that is ready.
 * @template {Runner} R
 * @typedef {object} Started
 * @property {R} runner
 * @property {Backend} backend
 * @property {string} graphs JSON of the graphs in use
 * @property {string[]} notes sentences about what did not go as usual
 */

// A driver that is reset takes its devices with it; the next adapter is a new one.
const GPU_TRIES = 2;

class GpuLostError extends Error {}

/**
 * @template {Runner} R
 * @template {object} Setup
 * @param {BackendName | "auto"} wanted
 * @param {(target: "gpu" | "cpu") => string} graphsFor chooses the graphs, as JSON
 * @param {Setup} setup
 * @param {(backend: Backend, setup: Setup & { graphs: any[] }) => Promise<R>} make
 * @returns {Promise<Started<R>>}
 * @throws {Error} with a sentence for the user if no backend can run the graphs
 */
export async function startRunner(wanted, graphsFor, setup, make) {
  const start = async (/** @type {Backend} */ backend) => {
    const graphs = chooseGraphs(graphsFor, backend.adapter ? "gpu" : "cpu");
    const runner = await make(backend, { ...setup, graphs: JSON.parse(graphs) });
    try {
      await Promise.race([runner.prepare(), lossOf(runner)]);
    } catch (error) {
      runner.close().catch(() => {}); // not awaited: a lost GPU might never answer
      throw error;
    }
    const described = runner.threads === undefined ? backend : wasmBackend(runner.threads);
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
 * @param {Runner} runner
 * @returns {Promise<never>}
 * @throws {GpuLostError} with a sentence for the user once the runner's GPU is lost
 */
async function lossOf(runner) {
  await runner.lost;
  throw new GpuLostError("The GPU was lost while the model was loading: load it again, or use backend=wasm.");
}
