/**
 * A worker for a vision encoder, on either backend: it must not hold up the thread that draws, and when it is no
 * longer wanted, ending the worker frees everything. `encoder_remote.mjs` is the other side.
 * @module
 */

import { useRoute } from "../calls/routed_fetch.mjs";
import { serveCalls } from "../calls/serve_calls.mjs";
import { chooseBackend } from "./backend.mjs";
import { ArrayRowCache, GpuRowCache } from "./encoder_cache.mjs";
import { EncoderGraphs } from "./encoder_graphs.mjs";
import { requestDevice } from "./gpu_device.mjs";
import { loadOrt } from "./ort_loader.mjs";

/** @import { CallContext } from "../calls/call_types.mjs" */
/** @import { Route } from "../calls/routed_fetch.mjs" */
/** @import { Backend, BackendName } from "./backend.mjs" */
/** @import { EncoderAnswer, EncoderGraph, EncoderRun } from "./encoder_graphs.mjs" */
/** @import { RunnerCounters } from "./runner_counters.mjs" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @typedef {object} EncoderSetup
 * @property {string} siteUrl
 * @property {BackendName} backend
 * @property {number} threads of WebAssembly, if the page may have any
 * @property {EncoderGraph[]} graphs
 * @property {string} graphsUrl
 * @property {Map<string, Uint8Array>} weights
 * @property {Route} [route] to the host of the graphs
 */

/**
 * The worker's calls; `prepare` comes first. It emits `lost` when its GPU is lost.
 * @typedef {object} EncoderCalls
 * @property {(setup: EncoderSetup) => Promise<{ threads: number }>} prepare
 * @property {(run: EncoderRun, context: CallContext) => Promise<{ answer: EncoderAnswer, counters: RunnerCounters }>} execute
 * @property {(stream: string) => void} forget
 */

/** @type {EncoderGraphs | undefined} */
let encoder;

/** @type {EncoderCalls} */
const calls = {
  async prepare({ siteUrl, backend, threads, graphs, graphsUrl, weights, route }) {
    if (route) useRoute(route);
    const ort = await loadOrt({ name: backend, threads }, siteUrl);
    const target = backend === "wasm" ? onCpu(ort) : await onGpu(ort);
    encoder = new EncoderGraphs(ort, graphs, graphsUrl, weights, target);
    await encoder.prepare();
    return { threads: ort.env.wasm.numThreads ?? 1 };
  },

  async execute(run, { transfer }) {
    if (!encoder) throw new Error("there is no encoder");
    const answer = await encoder.execute(run);
    transfer(answer.buffer);
    return { answer, counters: encoder.counters };
  },

  forget: (stream) => encoder?.forget(stream),
};

/** @param {Ort} ort */
function onCpu(ort) {
  const newCache = (/** @type {EncoderGraph} */ graph) => new ArrayRowCache(ort, graph);
  return { provider: /** @type {const} */ ("wasm"), newCache };
}

/** @param {Ort} ort */
async function onGpu(ort) {
  const { adapter } = await chooseBackend("webgpu");
  const device = await requestDevice(/** @type {GPUAdapter} */ (adapter));
  device.lost.then(() => emit("lost", null));
  const newCache = (/** @type {EncoderGraph} */ graph, /** @type {RunnerCounters} */ counters) =>
    new GpuRowCache(ort, device, graph, counters);
  return { provider: /** @type {any} */ ({ name: "webgpu", device }), newCache };
}

const emit = serveCalls(calls, { serialize: true });
