/**
 * Runs the model's graphs on ONNX Runtime's WebGPU backend. Everything that a video carries from frame to
 * frame stays in GPU buffers made once; of each run only the decisions are read back, in one wait.
 * @module
 */

import { fetchGraph, graphOf, sizeOf, stateShapes } from "./gaze_graphs.mjs";
import { FrameResizer } from "./gpu_frame.mjs";
import { GpuGraph } from "./gpu_graph.mjs";
import { Poker } from "./gpu_poke.mjs";
import { GpuVideo } from "./gpu_video.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { UploadFrame } from "./gpu_frame.mjs" */
/** @import { GazeRunner, GraphEntry, Run } from "./gaze_graphs.mjs" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

const BYTES = 4;
const STREAM = 0;

/** @implements {GazeRunner} */
export class GpuGazeRunner {
  counters = newCounters();
  poker = new Poker();
  lost;

  #ort;
  #device;
  #graphs;
  #graphsUrl;
  #weights;
  #shapes;
  #resizer;
  #capture = true;
  /** @type {Map<string, Promise<GpuGraph>>} */
  #loaded = new Map();
  /** @type {Map<number, GpuVideo>} */
  #videos = new Map();
  /** To read decisions from, by their size in bytes. @type {Map<number, GPUBuffer>} */
  #staging = new Map();

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
    this.#resizer = new FrameResizer(device, (size, usage) => this.#buffer(size, usage));
  }

  async prepare() {
    for (const entry of this.#graphs) {
      const graph = await this.#graph(entry, STREAM);
      // The first run compiles the shaders, which takes longer than a hundred frames.
      const run = () => this.#run(graph, this.#video(STREAM));
      await run();
      if (!this.poker.decided) await this.poker.measure(run);
    }
    this.restart();
  }

  restart() {
    const encoder = this.#device.createCommandEncoder();
    for (const [index, video] of this.#videos) {
      // Captured graphs are bound to the stream's buffers.
      if (index === STREAM) video.clear(encoder);
      else video.destroy();
    }
    this.#device.queue.submit([encoder.finish()]);
    const stream = this.#videos.get(STREAM);
    this.#videos = new Map(stream && [[STREAM, stream]]);
  }

  /** @param {Run} run */
  async execute(run) {
    const { queue } = this.#device;
    const graph = await this.#graph(graphOf(this.#graphs, run.graph, run.steps), run.video);
    const video = this.#video(run.video);
    this.counters.bytesWritten += graph.write(queue, run.feeds);
    const before = this.#device.createCommandEncoder();
    video.copyRows(before, run.copies);
    const frame = graph.feeds.get("frame");
    if (frame && !run.feeds.frame) this.#resizer.encode(before, frame);
    queue.submit([before.finish()]);
    const decisions = await this.#run(graph, video);
    this.counters.runs += 1;
    this.counters.readBacks += 1;
    this.counters.bytesRead += decisions.byteLength;
    return decisions;
  }

  /** @type {UploadFrame} */
  uploadFrame = (passes, pixels, tables) => {
    this.#resizer.take(passes, pixels, tables);
    this.counters.bytesWritten += pixels.byteLength + (tables?.byteLength ?? 0);
  };

  async close() {
    for (const graph of this.#loaded.values()) await (await graph).close();
    this.#loaded.clear();
    for (const video of this.#videos.values()) video.destroy();
    this.#videos.clear();
    for (const staging of this.#staging.values()) staging.destroy();
    this.#staging.clear();
    this.#resizer.close();
    this.poker.close();
    this.#device.destroy();
  }

  /**
   * Runs a graph on what was written and reads its decisions.
   * @param {GpuGraph} graph
   * @param {GpuVideo} video
   */
  async #run(graph, video) {
    const outputs = await graph.run(video);
    const after = this.#device.createCommandEncoder();
    video.storeOutputs(after, graph.entry, outputs);
    return this.#read(after, outputs.get("decisions"), sizeOf(graph.entry.outputs.decisions ?? []));
  }

  /**
   * @param {GraphEntry} entry
   * @param {number} video
   */
  #graph(entry, video) {
    const captured = this.#capture && video === STREAM;
    const key = `${entry.file}${captured ? " captured" : ""}`;
    const graph = this.#loaded.get(key) ?? this.#load(entry, captured);
    this.#loaded.set(key, graph);
    return graph;
  }

  /**
   * @param {GraphEntry} entry
   * @param {boolean} captured
   * @returns {Promise<GpuGraph>}
   */
  async #load(entry, captured) {
    const source = { entry, bytes: await fetchGraph(entry, this.#graphsUrl), weights: this.#weights };
    return GpuGraph.load(this.#ort, this.#device, source, captured, (shape) =>
      this.#buffer(BYTES * sizeOf(shape)),
    );
  }

  /** @param {number} index */
  #video(index) {
    let video = this.#videos.get(index);
    if (!video) {
      video = new GpuVideo(this.#shapes, (shape) => this.#buffer(BYTES * sizeOf(shape)));
      this.#videos.set(index, video);
    }
    return video;
  }

  /**
   * @param {number} size in bytes
   * @param {number} [usage]
   */
  #buffer(size, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST) {
    this.counters.allocations += 1;
    return this.#device.createBuffer({ size, usage });
  }

  /**
   * Submits the commands and, after them, reads a buffer: the only wait of a run.
   * @param {GPUCommandEncoder} encoder
   * @param {GPUBuffer | undefined} buffer
   * @param {number} length in floats
   */
  async #read(encoder, buffer, length) {
    if (!buffer) throw new Error("the graph gives no decisions");
    const size = BYTES * length;
    const staging =
      this.#staging.get(size) ?? this.#buffer(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    this.#staging.set(size, staging);
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    await this.poker.wait(staging.mapAsync(GPUMapMode.READ));
    const values = new Float32Array(staging.getMappedRange().slice(0));
    staging.unmap();
    return values;
  }
}
