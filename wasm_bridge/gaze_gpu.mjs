/**
 * Runs the model's graphs on ONNX Runtime's WebGPU backend. Everything that a video carries from frame to
 * frame stays in GPU buffers made once; of each run only the decisions are read back, in one wait.
 * @module
 */

import {
  fetchGraph,
  graphOf,
  isTrunkPast,
  newCounters,
  piecesOf,
  sizeOf,
  stateShapes,
  typeOf,
} from "./gaze_graphs.mjs";

/** @typedef {import("./gaze_graphs.mjs").GraphEntry} GraphEntry */
/** @typedef {import("./gaze_graphs.mjs").GazeRunner} GazeRunner */
/** @typedef {import("./gaze_graphs.mjs").Run} Run */
/** @typedef {typeof import("onnxruntime-web")} Ort */
/** @typedef {import("onnxruntime-web").InferenceSession} InferenceSession */

/**
 * A graph's session, and the buffers of its inputs that come anew with every run.
 * @typedef {object} LoadedGraph
 * @property {GraphEntry} entry
 * @property {InferenceSession} session
 * @property {Map<string, GPUBuffer>} feeds
 * @property {GPUBuffer} decisions
 * @property {GPUBuffer} staging to read the decisions from
 */

/**
 * @typedef {object} VideoState
 * @property {Map<string, GPUBuffer>} inputs context and trunk by input name
 * @property {Map<string, GPUBuffer>} nextTrunk what the next frame's run writes, by the input's name
 * @property {Map<string, Map<string, GPUBuffer>>} fresh new keys and values by graph file and output name
 * @property {GraphEntry | undefined} last graph that was run
 */

const BYTES = 4;

/** @implements {GazeRunner} */
export class GpuGazeRunner {
  counters = newCounters();
  lost;

  #ort;
  #device;
  #graphs;
  #graphsUrl;
  #weights;
  #shapes;
  /** @type {Map<string, Promise<LoadedGraph>>} */
  #loaded = new Map();
  /** @type {Map<number, VideoState>} */
  #videos = new Map();

  /**
   * @param {Ort} ort
   * @param {GPUDevice} device
   * @param {GraphEntry[]} graphs that share one context
   * @param {string} graphsUrl
   * @param {Map<string, Uint8Array>} weights by tensor name
   */
  constructor(ort, device, graphs, graphsUrl, weights) {
    this.#ort = ort;
    this.#device = device;
    this.lost = device.lost.then(() => {});
    this.#graphs = graphs;
    this.#graphsUrl = graphsUrl;
    this.#weights = weights;
    this.#shapes = stateShapes(graphs);
  }

  async prepare() {
    for (const graph of this.#graphs) await this.#graph(graph);
    this.#weights = new Map();
  }

  restart() {
    for (const video of this.#videos.values()) destroyVideo(video);
    this.#videos.clear();
  }

  /** @param {Run} run */
  async execute(run) {
    const graph = await this.#graph(graphOf(this.#graphs, run.graph, run.steps));
    const video = this.#video(run.video);
    this.#copyRows(video, run.copies);
    for (const [name, data] of Object.entries(run.feeds)) {
      const buffer = graph.feeds.get(name);
      if (!buffer) throw new Error(`${graph.entry.file} has no input "${name}"`);
      this.#device.queue.writeBuffer(buffer, 0, data);
      this.counters.bytesWritten += data.byteLength;
    }
    await graph.session.run(this.#inputs(graph, video), this.#outputs(graph, video));
    this.counters.runs += 1;
    video.last = graph.entry;
    if (graph.entry.kind === "frame") this.#swapTrunk(video);
    return this.#readDecisions(graph);
  }

  async close() {
    for (const each of this.#loaded.values()) {
      const { session, feeds, decisions, staging } = await each;
      await session.release();
      for (const buffer of [...feeds.values(), decisions, staging]) buffer.destroy();
    }
    this.#loaded.clear();
    this.restart();
    this.#device.destroy();
  }

  /** @param {GraphEntry} entry */
  #graph(entry) {
    const graph = this.#loaded.get(entry.file) ?? this.#load(entry);
    this.#loaded.set(entry.file, graph);
    return graph;
  }

  /**
   * @param {GraphEntry} entry
   * @returns {Promise<LoadedGraph>}
   */
  async #load(entry) {
    const session = await this.#ort.InferenceSession.create(await fetchGraph(entry, this.#graphsUrl), {
      executionProviders: [{ name: "webgpu", device: this.#device }],
      graphOptimizationLevel: "all",
      preferredOutputLocation: "gpu-buffer",
      externalData: entry.weights.map((path) => ({
        path,
        data: this.#weights.get(path) ?? new Uint8Array(),
      })),
    });
    const feeds = Object.entries(entry.inputs).filter(([name]) => !this.#shapes.has(name));
    const decisions = entry.outputs.decisions ?? [];
    return {
      entry,
      session,
      feeds: new Map(feeds.map(([name, shape]) => [name, this.#buffer(shape)])),
      decisions: this.#buffer(decisions),
      staging: this.#buffer(decisions, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST),
    };
  }

  /** @param {number} index */
  #video(index) {
    let video = this.#videos.get(index);
    if (!video) {
      const shapes = [...this.#shapes];
      // New buffers are zero: rows that no bias shows are still multiplied by zero, and hold no NaN.
      video = {
        inputs: new Map(shapes.map(([name, shape]) => [name, this.#buffer(shape)])),
        nextTrunk: new Map(
          shapes.filter(([name]) => isTrunkPast(name)).map(([name, shape]) => [name, this.#buffer(shape)]),
        ),
        fresh: new Map(),
        last: undefined,
      };
      this.#videos.set(index, video);
    }
    return video;
  }

  /**
   * @param {number[]} shape
   * @param {number} [usage]
   */
  #buffer(shape, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST) {
    this.counters.allocations += 1;
    return this.#device.createBuffer({ size: BYTES * sizeOf(shape), usage });
  }

  /**
   * @param {LoadedGraph} graph
   * @param {VideoState} video
   */
  #inputs({ entry, feeds }, video) {
    return this.#tensors(entry.inputs, (name) => feeds.get(name) ?? video.inputs.get(name));
  }

  /**
   * @param {LoadedGraph} graph
   * @param {VideoState} video
   */
  #outputs({ entry, decisions }, video) {
    let fresh = video.fresh.get(entry.file);
    if (!fresh) {
      const names = Object.entries(entry.outputs).filter(([name]) => name.startsWith("new_"));
      fresh = new Map(names.map(([name, shape]) => [name, this.#buffer(shape)]));
      video.fresh.set(entry.file, fresh);
    }
    const rows = fresh;
    return this.#tensors(entry.outputs, (name) =>
      name === "decisions"
        ? decisions
        : (rows.get(name) ?? video.nextTrunk.get(name.replace("next", "past"))),
    );
  }

  /**
   * @param {Record<string, number[]>} shapes
   * @param {(name: string) => GPUBuffer | undefined} bufferOf
   */
  #tensors(shapes, bufferOf) {
    return Object.fromEntries(
      Object.entries(shapes).map(([name, dims]) => {
        const buffer = bufferOf(name);
        if (!buffer) throw new Error(`there is no buffer for "${name}"`);
        return [name, this.#ort.Tensor.fromGpuBuffer(buffer, { dataType: typeOf(name), dims })];
      }),
    );
  }

  /**
   * @param {VideoState} video
   * @param {number[]} copies
   */
  #copyRows({ inputs, fresh, last }, copies) {
    if (!last || copies.length === 0) return;
    const encoder = this.#device.createCommandEncoder();
    for (const [name, from] of fresh.get(last.file) ?? []) {
      const contextName = name.replace("new_", "context_");
      const to = inputs.get(contextName);
      if (!to) throw new Error(`there is no "${contextName}" for "${name}"`);
      const pieces = piecesOf(copies, last.outputs[name] ?? [], this.#shapes.get(contextName) ?? []);
      for (const { source, target, length } of pieces) {
        encoder.copyBufferToBuffer(from, BYTES * source, to, BYTES * target, BYTES * length);
      }
    }
    this.#device.queue.submit([encoder.finish()]);
  }

  /** @param {VideoState} video */
  #swapTrunk({ inputs, nextTrunk }) {
    for (const [name, written] of nextTrunk) {
      const read = /** @type {GPUBuffer} */ (inputs.get(name));
      inputs.set(name, written);
      nextTrunk.set(name, read);
    }
  }

  /** @param {LoadedGraph} graph */
  async #readDecisions({ decisions, staging }) {
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(decisions, 0, staging, 0, staging.size);
    this.#device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(staging.getMappedRange().slice(0));
    staging.unmap();
    this.counters.readBacks += 1;
    this.counters.bytesRead += values.byteLength;
    return values;
  }
}

/** @param {VideoState} video */
function destroyVideo({ inputs, nextTrunk, fresh }) {
  for (const buffers of [inputs, nextTrunk, ...fresh.values()]) {
    for (const buffer of buffers.values()) buffer.destroy();
  }
}
