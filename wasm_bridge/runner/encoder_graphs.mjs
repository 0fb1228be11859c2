/**
 * Runs an encoder's graphs on ONNX Runtime, on either of its backends. The keys and values of a stream's earlier
 * frames stay here, on the GPU where there is one. docs/encoder.md describes inputs and outputs.
 * @module
 */

import { fetchGraph } from "./gaze_graphs.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { RowCache } from "./encoder_cache.mjs" */
/** @import { RunnerCounters } from "./runner_counters.mjs" */
/** @import { InferenceSession, Tensor } from "onnxruntime-web" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @typedef {object} EncoderGraph one of the manifest's graphs
 * @property {string} file
 * @property {"encoder" | "frame_decoder"} kind
 * @property {Record<string, (number | string)[]>} inputs shapes by name; sides of any length have names
 * @property {Record<string, (number | string)[]>} outputs
 * @property {string[]} weights names
 *
 * One run, as `GraphRun` of `py/autogaze_web/page/encoder_runs.py` describes it.
 * @typedef {object} EncoderRun
 * @property {"encoder" | "frame_decoder"} graph
 * @property {string} stream whose keys and values are inputs; empty if there are none
 * @property {boolean} restart whether the stream begins with this run
 * @property {number[]} kept
 * @property {number} dropped
 * @property {string[]} outputs names of those to return
 * @property {Record<string, Feed>} feeds
 *
 * @typedef {{ data: Float32Array | Int32Array, shape: number[] }} Feed
 *
 * The outputs one after the other behind the milliseconds that the run took.
 * @typedef {Float32Array<ArrayBuffer>} EncoderAnswer
 */

export class EncoderGraphs {
  counters = newCounters();
  #ort;
  #graphs;
  #graphsUrl;
  #weights;
  #newCache;
  #provider;
  /** @type {Map<string, InferenceSession>} */
  #sessions = new Map();
  /** @type {Map<string, RowCache>} */
  #caches = new Map();

  /**
   * @param {Ort} ort
   * @param {EncoderGraph[]} graphs
   * @param {string} graphsUrl
   * @param {Map<string, Uint8Array>} weights by tensor name
   * @param {object} target where they run
   * @param {InferenceSession.ExecutionProviderConfig} target.provider
   * @param {(graph: EncoderGraph, counters: RunnerCounters) => RowCache} target.newCache
   */
  constructor(ort, graphs, graphsUrl, weights, { provider, newCache }) {
    this.#ort = ort;
    this.#graphs = graphs;
    this.#graphsUrl = graphsUrl;
    this.#weights = weights;
    this.#provider = provider;
    this.#newCache = newCache;
  }

  /** Makes all sessions; the weights are needed no longer then. */
  async prepare() {
    for (const graph of this.#graphs) {
      const bytes = await fetchGraph(graph, this.#graphsUrl);
      const session = await this.#ort.InferenceSession.create(bytes, {
        executionProviders: [this.#provider],
        graphOptimizationLevel: "all",
        preferredOutputLocation: this.#locations(graph),
        externalData: graph.weights.map((path) => ({
          path,
          data: this.#weights.get(path) ?? new Uint8Array(),
        })),
      });
      this.#sessions.set(graph.kind, session);
    }
    this.#weights = new Map();
  }

  /**
   * @param {EncoderRun} run
   * @returns {Promise<EncoderAnswer>}
   */
  async execute({ graph: kind, stream, restart, kept, dropped, outputs, feeds }) {
    const graph = this.#graphs.find((each) => each.kind === kind);
    const session = this.#sessions.get(kind);
    if (!graph || !session) throw new Error(`there is no graph of the kind "${kind}"`);
    const begun = performance.now();
    const cache = stream ? this.#cache(stream, graph, restart) : undefined;
    cache?.change(kept, dropped);
    /** @type {Record<string, Tensor>} */
    const inputs = { ...cache?.tensors() };
    for (const [name, { data, shape }] of Object.entries(feeds))
      inputs[name] = new this.#ort.Tensor(data instanceof Int32Array ? "int32" : "float32", data, shape);
    const results = await session.run(inputs);
    cache?.take(results);
    const parts = outputs.map((name) => {
      const result = results[name];
      if (!result) throw new Error(`${graph.file} has no output "${name}"`);
      return /** @type {Float32Array} */ (result.data);
    });
    const answer = new Float32Array(1 + parts.reduce((sum, { length }) => sum + length, 0));
    let position = 1;
    for (const part of parts) {
      answer.set(part, position);
      position += part.length;
    }
    this.counters.runs += 1;
    answer[0] = performance.now() - begun;
    return answer;
  }

  /**
   * Frees the keys and values of a stream.
   * @param {string} stream
   */
  forget(stream) {
    this.#caches.get(stream)?.close();
    this.#caches.delete(stream);
  }

  async close() {
    for (const cache of this.#caches.values()) cache.close();
    this.#caches.clear();
    for (const session of this.#sessions.values()) await session.release();
    this.#sessions.clear();
  }

  /**
   * @param {string} stream
   * @param {EncoderGraph} graph
   * @param {boolean} restart
   */
  #cache(stream, graph, restart) {
    let cache = this.#caches.get(stream);
    if (!cache || restart) {
      cache?.close();
      cache = this.#newCache(graph, this.counters);
      this.#caches.set(stream, cache);
    }
    return cache;
  }

  /**
   * Keys and values stay where they were computed, everything else is read.
   * @param {EncoderGraph} graph
   * @returns {Record<string, "cpu" | "gpu-buffer">}
   */
  #locations({ outputs }) {
    const onGpu = this.#provider !== "wasm";
    return Object.fromEntries(
      Object.keys(outputs).map((name) => [name, onGpu && name.startsWith("new_") ? "gpu-buffer" : "cpu"]),
    );
  }
}
