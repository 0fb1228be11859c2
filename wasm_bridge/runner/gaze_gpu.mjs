/**
 * Runs the model's graphs on ONNX Runtime's WebGPU backend. Everything that a video carries from frame to
 * frame stays in GPU buffers made once; of each run only the decisions are read back, in one wait.
 * @module
 */

import { fetchGraph, graphOfRun, keyOf, sizeOf, stateShapes, videoKey } from "./gaze_graphs.mjs";
import { FrameResizer } from "./gpu_frame.mjs";
import { GpuGraph } from "./gpu_graph.mjs";
import { Poker } from "./gpu_poke.mjs";
import { GpuVideo } from "./gpu_video.mjs";
import { RowMover } from "./row_mover.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { FrameOnGpu, Pass, UploadFrame } from "./gpu_frame.mjs" */
/** @import { DeviceShare } from "./shared_device.mjs" */
/** @import { GazeRunner, GraphEntry, Run } from "./gaze_graphs.mjs" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

const BYTES = 4;
/** The videos that captured graphs are bound to: the stream of whole frames, and the first batch of tiles. */
const CAPTURED = ["0", "tile 0"];

/** @implements {GazeRunner} */
export class GpuGazeRunner {
  counters = newCounters();
  poker = new Poker();
  device;
  lost;
  /** @type {(() => void) | undefined} */
  onWait;

  #ort;
  #giveBack;
  #graphs;
  #graphsUrl;
  #weights;
  #shapes;
  #resizer;
  #mover;
  #capture = true;
  /** Of the tiles graph whose videos there are. */
  #tileKey = "";
  /** @type {Map<string, Promise<GpuGraph>>} */
  #loaded = new Map();
  /** @type {Map<string, GpuVideo>} */
  #videos = new Map();
  /** To read decisions from, by their size in bytes. @type {Map<number, GPUBuffer>} */
  #staging = new Map();

  /**
   * @param {Ort} ort
   * @param {DeviceShare} share given back by `close`
   * @param {GraphEntry[]} graphs that share one context
   * @param {string} graphsUrl
   * @param {Map<string, Uint8Array>} weights by tensor name
   */
  constructor(ort, { device, giveBack }, graphs, graphsUrl, weights) {
    this.#ort = ort;
    this.device = device;
    this.#giveBack = giveBack;
    this.lost = device.lost.then(() => {});
    this.#graphs = graphs;
    this.#graphsUrl = graphsUrl;
    this.#weights = weights;
    this.#shapes = stateShapes(graphs.filter(({ kind }) => kind !== "tiles"));
    this.#resizer = new FrameResizer(device, (size, usage) => this.#buffer(size, usage));
    this.#mover = new RowMover(device, (size) => this.#buffer(size));
  }

  /** Graphs of tiles are loaded when tiles are turned on. */
  async prepare() {
    for (const entry of this.#graphs.filter(({ kind }) => kind !== "tiles")) {
      const graph = await this.#graph(entry, "0");
      // The first run compiles the shaders, which takes longer than a hundred frames.
      const run = () => this.#run(graph, this.#video("0", entry));
      await run();
      if (!this.poker.decided) await this.poker.measure(run);
    }
    this.restart();
  }

  restart() {
    const encoder = this.device.createCommandEncoder();
    for (const [key, video] of this.#videos) {
      if (CAPTURED.includes(key)) {
        video.clear(encoder);
      } else {
        video.destroy();
        this.#videos.delete(key);
      }
    }
    this.device.queue.submit([encoder.finish()]);
  }

  /** @param {Run} run */
  async execute(run) {
    const { queue } = this.device;
    const entry = graphOfRun(this.#graphs, run);
    if (entry.sides) await this.#fitTiles(keyOf(entry));
    const graph = await this.#graph(entry, videoKey(run));
    const video = this.#video(videoKey(run), entry);
    this.counters.bytesWritten += graph.write(queue, run.feeds);
    const before = this.device.createCommandEncoder();
    video.copyRows(before, run.copies);
    const frame = graph.feeds.get("frame");
    if (frame && !run.feeds.frame) this.#resizer.encode(before, frame, run.first, run.age);
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

  /**
   * @param {FrameOnGpu} frame
   * @returns {boolean} false if it is on another device
   */
  keepFrame({ device, buffer }) {
    if (device !== this.device) return false;
    this.#resizer.keep(buffer);
    return true;
  }

  /**
   * @param {Pass[]} passes
   * @param {Uint32Array<ArrayBuffer>} [tables]
   */
  takeKept(passes, tables) {
    this.#resizer.takeKept(passes, tables);
    this.counters.bytesWritten += tables?.byteLength ?? 0;
  }

  async close() {
    // A graph that was not loaded has nothing to close. The device may live on, so all others are closed whatever fails.
    const loaded = await Promise.allSettled(this.#loaded.values());
    const closed = await Promise.allSettled(
      loaded.map((graph) => (graph.status === "fulfilled" ? graph.value.close() : undefined)),
    );
    this.#loaded.clear();
    for (const video of this.#videos.values()) video.destroy();
    this.#videos.clear();
    for (const staging of this.#staging.values()) staging.destroy();
    this.#staging.clear();
    this.#resizer.close();
    this.#mover.close();
    this.poker.close();
    this.#giveBack();
    const failed = closed.find((each) => each.status === "rejected");
    if (failed) throw failed.reason;
  }

  /**
   * Runs a graph on what was written and reads its decisions.
   * @param {GpuGraph} graph
   * @param {GpuVideo} video
   */
  async #run(graph, video) {
    const outputs = await graph.run(video);
    const after = this.device.createCommandEncoder();
    video.storeOutputs(after, graph.entry, outputs);
    return this.#read(after, outputs.get("decisions"), sizeOf(graph.entry.outputs.decisions ?? []));
  }

  /**
   * Frees the tiles of frames of another size, and their graphs.
   * @param {string} key of the tiles graph that is run next
   */
  async #fitTiles(key) {
    if (this.#tileKey === key) return;
    const old = this.#tileKey;
    this.#tileKey = key;
    for (const [name, video] of this.#videos) {
      if (!name.startsWith("tile ")) continue;
      video.destroy();
      this.#videos.delete(name);
    }
    for (const name of [old, `${old} captured`]) {
      await (await this.#loaded.get(name))?.close();
      this.#loaded.delete(name);
    }
  }

  /**
   * @param {GraphEntry} entry
   * @param {string} video
   */
  #graph(entry, video) {
    const captured = this.#capture && CAPTURED.includes(video);
    const key = `${keyOf(entry)}${captured ? " captured" : ""}`;
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
    return GpuGraph.load(this.#ort, this.device, source, captured, (shape) =>
      this.#buffer(BYTES * sizeOf(shape)),
    );
  }

  /**
   * @param {string} key
   * @param {GraphEntry} entry of a graph that it is to run
   */
  #video(key, entry) {
    let video = this.#videos.get(key);
    if (!video) {
      const shapes = entry.kind === "tiles" ? stateShapes([entry]) : this.#shapes;
      video = new GpuVideo(shapes, (shape) => this.#buffer(BYTES * sizeOf(shape)), this.#mover);
      this.#videos.set(key, video);
    }
    return video;
  }

  /**
   * @param {number} size in bytes
   * @param {number} [usage]
   */
  #buffer(size, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST) {
    this.counters.allocations += 1;
    return this.device.createBuffer({ size, usage });
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
    this.device.queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(GPUMapMode.READ);
    // The browser sends its commands off in a microtask.
    await null;
    let values = new Float32Array(0);
    try {
      this.onWait?.();
    } finally {
      // Whatever fails meanwhile, the buffer is to be mapped again by the next run.
      await this.poker.wait(mapped);
      values = new Float32Array(staging.getMappedRange().slice(0));
      staging.unmap();
    }
    return values;
  }
}
