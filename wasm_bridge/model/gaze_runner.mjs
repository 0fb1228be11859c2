/**
 * What runs AutoGaze's graphs on a backend.
 * @module
 */

import { FileError } from "../calls/limited_fetch.mjs";
import { RemoteGazeRunner } from "../runner/gaze_remote.mjs";
import { SILENT } from "../runner/gpu_device.mjs";
import { loadOrt } from "../runner/ort_loader.mjs";
import { shareForModel } from "../runner/shared_device.mjs";

/** @import { Backend } from "../runner/backend.mjs" */
/** @import { GazeRunner } from "../runner/gaze_graphs.mjs" */
/** @import { RunnerSetup } from "../runner/gaze_worker.mjs" */

/**
 * @param {Backend} backend
 * @param {Omit<RunnerSetup, "threads">} setup
 * @returns {Promise<GazeRunner>}
 */
export async function makeGazeRunner(backend, setup) {
  const { adapter, threads } = backend;
  if (!adapter) return new RemoteGazeRunner({ ...setup, threads });
  const [ort, { GpuGazeRunner }] = await Promise.all([loadOrt(backend, setup.siteUrl), gpuModule()]);
  const share = await shareForModel(adapter, SILENT);
  return new GpuGazeRunner(ort, share, setup.graphs, setup.graphsUrl, setup.weights);
}

/** Only a page with a GPU needs it. */
function gpuModule() {
  return import("../runner/gaze_gpu.mjs").catch(() => {
    throw new FileError("A part of the page is missing: reload it.");
  });
}
