/**
 * Runs the model's graphs on ONNX Runtime's WebAssembly backend, with the contexts in this worker's memory. They
 * grow with their rows, since every row costs time, hidden or not.
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
  withContext,
} from "./gaze_graphs.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { GazeRunner, GraphEntry, Run } from "./gaze_graphs.mjs" */
/** @import { InferenceSession, Tensor } from "onnxruntime-web" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @typedef {object} VideoState
 * @property {number} rows of the context
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
    const shapes = graph.kind === "tiles" ? stateShapes([graph]) : this.#shapes;
    const video = this.#video(videoKey(run), shapes, run.capacity);
    this.#copyRows(video, run.copies);
    /** @type {Record<string, Tensor>} */
    const feeds = {};
    for (const [name, shape] of Object.entries(graph.inputs)) {
      const data = run.feeds[name] ?? video.inputs.get(name);
      if (!data) throw new Error(`the run gave no "${name}" for ${graph.file}`);
      feeds[name] = new this.#ort.Tensor(typeOf(name), data, withContext(shape, run.capacity));
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
   * The video, with so many rows of context.
   * @param {string} key
   * @param {Map<string, number[]>} shapes of its state
   * @param {number} rows
   */
  #video(key, shapes, rows) {
    const old = this.#videos.get(key);
    if (old?.rows === rows) return old;
    /** @type {VideoState} */
    const video = { rows, shapes: new Map(), inputs: new Map(), fresh: old?.fresh ?? new Map() };
    for (const [name, symbolic] of shapes) {
      const shape = withContext(symbolic, rows);
      const [before, was] = [old?.inputs.get(name), old?.shapes.get(name)];
      if (before && was && sizeOf(was) === sizeOf(shape)) {
        video.inputs.set(name, before);
      } else {
        const grown = new Float32Array(sizeOf(shape));
        if (before && was) copyHeads(before, was, grown, shape);
        video.inputs.set(name, grown);
        this.counters.allocations += 1;
      }
      video.shapes.set(name, shape);
    }
    this.#videos.set(key, video);
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

/**
 * Copies a context into a larger one, head by head.
 * @param {Float32Array} from
 * @param {number[]} fromShape heads, rows, depth
 * @param {Float32Array} to
 * @param {number[]} toShape
 */
function copyHeads(from, fromShape, to, toShape) {
  const [heads = 0] = fromShape;
  const [length, stride] = [from.length / heads, to.length / (toShape[0] ?? 1)];
  for (let head = 0; head < heads; head++) {
    to.set(from.subarray(head * length, (head + 1) * length), head * stride);
  }
}

/** @param {Tensor} tensor */
function floats(tensor) {
  return /** @type {Float32Array} */ (tensor.data);
}
