/**
 * Runs the model's graphs on ONNX Runtime's WebAssembly backend, with the contexts in this worker's memory.
 * @module
 */

import {
  fetchGraph,
  graphOfRun,
  keyOf,
  piecesOf,
  sizeOf,
  stateShapes,
  typeOf,
  videoKey,
} from "./gaze_graphs.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { GazeRunner, GraphEntry, Run } from "./gaze_graphs.mjs" */
/** @import { InferenceSession, Tensor } from "onnxruntime-web" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @typedef {object} VideoState
 * @property {Map<string, number[]>} shapes of the context and the trunk by input name
 * @property {Map<string, Float32Array>} inputs context and trunk by input name
 * @property {Map<string, Tensor>} fresh new keys and values of the last run, by the context's input name
 */

/** @implements {GazeRunner} */
export class CpuGazeRunner {
  counters = newCounters();
  /** The processor stays. @type {Promise<void>} */
  lost = new Promise(() => {});

  #ort;
  #graphs;
  #graphsUrl;
  #weights;
  /** Of whole frames. */
  #shapes;
  /** Of the tiles graph whose session and videos there are. */
  #tileKey = "";
  /** @type {Map<string, Promise<InferenceSession>>} */
  #sessions = new Map();
  /** @type {Map<string, VideoState>} */
  #videos = new Map();

  /**
   * @param {Ort} ort
   * @param {GraphEntry[]} graphs that share one context
   * @param {string} graphsUrl
   * @param {Map<string, Uint8Array>} weights by tensor name
   */
  constructor(ort, graphs, graphsUrl, weights) {
    this.#ort = ort;
    this.#graphs = graphs;
    this.#graphsUrl = graphsUrl;
    this.#weights = weights;
    this.#shapes = stateShapes(graphs.filter(({ kind }) => kind !== "tiles"));
  }

  /** Graphs of tiles are loaded when tiles are turned on. */
  async prepare() {
    const first = this.#graphs.filter(({ kind }) => kind !== "tiles");
    for (const graph of first) await this.#session(graph);
    if (first.length === this.#graphs.length) this.#weights = new Map();
  }

  restart() {
    this.#videos.clear();
  }

  /** @param {Run} run */
  async execute(run) {
    const graph = graphOfRun(this.#graphs, run);
    if (graph.sides) await this.#fitTiles(keyOf(graph));
    const session = await this.#session(graph);
    const video = this.#video(videoKey(run), graph.kind === "tiles" ? stateShapes([graph]) : this.#shapes);
    this.#copyRows(video, run.copies);
    /** @type {Record<string, Tensor>} */
    const feeds = {};
    for (const [name, shape] of Object.entries(graph.inputs)) {
      const data = run.feeds[name] ?? video.inputs.get(name);
      if (!data) throw new Error(`the run gave no "${name}" for ${graph.file}`);
      feeds[name] = new this.#ort.Tensor(typeOf(name), data, shape);
    }
    const results = await session.run(feeds);
    this.counters.runs += 1;
    for (const [name, tensor] of Object.entries(results)) {
      if (name.startsWith("new_")) video.fresh.set(name.replace("new_", "context_"), tensor);
      if (name.startsWith("trunk_next_")) video.inputs.set(name.replace("next", "past"), floats(tensor));
    }
    if (!results.decisions) throw new Error(`${graph.file} has no output "decisions"`);
    return floats(results.decisions);
  }

  async close() {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
    this.#videos.clear();
  }

  /**
   * Frees the tiles of frames of another size, and their session.
   * @param {string} key of the tiles graph that is run next
   */
  async #fitTiles(key) {
    if (this.#tileKey === key) return;
    const old = this.#sessions.get(this.#tileKey);
    this.#sessions.delete(this.#tileKey);
    this.#tileKey = key;
    for (const name of this.#videos.keys()) if (name.startsWith("tile ")) this.#videos.delete(name);
    await (await old)?.release();
  }

  /** @param {GraphEntry} graph */
  #session(graph) {
    const session = this.#sessions.get(keyOf(graph)) ?? this.#load(graph);
    this.#sessions.set(keyOf(graph), session);
    return session;
  }

  /** @param {GraphEntry} graph */
  async #load(graph) {
    return this.#ort.InferenceSession.create(await fetchGraph(graph, this.#graphsUrl), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      ...(graph.sides && { freeDimensionOverrides: graph.sides }),
      externalData: graph.weights.map((path) => ({
        path,
        data: this.#weights.get(path) ?? new Uint8Array(),
      })),
    });
  }

  /**
   * @param {string} key
   * @param {Map<string, number[]>} shapes of its state
   */
  #video(key, shapes) {
    let video = this.#videos.get(key);
    if (!video) {
      const inputs = new Map();
      for (const [name, shape] of shapes) inputs.set(name, new Float32Array(sizeOf(shape)));
      this.counters.allocations += inputs.size;
      video = { shapes, inputs, fresh: new Map() };
      this.#videos.set(key, video);
    }
    return video;
  }

  /**
   * @param {VideoState} video
   * @param {number[]} copies
   */
  #copyRows(video, copies) {
    for (const [name, tensor] of video.fresh) {
      const context = video.inputs.get(name);
      const rows = floats(tensor);
      for (const { source, target, length } of piecesOf(
        copies,
        [...tensor.dims],
        video.shapes.get(name) ?? [],
      )) {
        context?.set(rows.subarray(source, source + length), target);
      }
    }
  }
}

/** @param {Tensor} tensor */
function floats(tensor) {
  return /** @type {Float32Array} */ (tensor.data);
}
