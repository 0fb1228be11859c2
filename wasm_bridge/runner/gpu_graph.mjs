/**
 * One graph as a session of ONNX Runtime on WebGPU: either uncaptured, for any video, or captured, for a single
 * video.
 *
 * A captured session records the GPU commands of its first run and replays them afterwards, which saves more than
 * half of a run's CPU time. It always reads and writes the same buffers, so it belongs to one video; it allocates
 * its output buffers itself.
 * @module
 */

import { stateShapes, typeOf } from "./gaze_graphs.mjs";

/** @import { GraphEntry } from "./gaze_graphs.mjs" */
/** @import { GpuVideo } from "./gpu_video.mjs" */
/** @import { InferenceSession, Tensor } from "onnxruntime-web" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @typedef {object} GraphSource
 * @property {GraphEntry} entry
 * @property {Uint8Array} bytes
 * @property {Map<string, Uint8Array>} weights by tensor name
 */

export class GpuGraph {
  entry;
  /** Buffers of the inputs that are written before every run. @type {Map<string, GPUBuffer>} */
  feeds;

  #ort;
  #session;
  #captured;
  /** @type {WeakMap<GpuVideo, Record<string, Tensor>>} */
  #inputs = new WeakMap();
  /** @type {WeakMap<GpuVideo, Record<string, Tensor>>} */
  #outputs = new WeakMap();

  /**
   * @param {Ort} ort
   * @param {GraphEntry} entry
   * @param {InferenceSession} session
   * @param {boolean} captured
   * @param {(shape: number[]) => GPUBuffer} makeBuffer
   */
  constructor(ort, entry, session, captured, makeBuffer) {
    this.#ort = ort;
    this.entry = entry;
    this.#session = session;
    this.#captured = captured;
    const state = stateShapes([entry]);
    const feeds = Object.entries(entry.inputs).filter(([name]) => !state.has(name));
    this.feeds = new Map(feeds.map(([name, shape]) => [name, makeBuffer(shape)]));
  }

  /**
   * @param {Ort} ort
   * @param {GPUDevice} device
   * @param {GraphSource} source
   * @param {boolean} captured
   * @param {(shape: number[]) => GPUBuffer} makeBuffer
   */
  static async load(ort, device, { entry, bytes, weights }, captured, makeBuffer) {
    const session = await ort.InferenceSession.create(bytes, {
      // With the name alone as provider, enableGraphCapture would have no effect.
      executionProviders: [{ name: "webgpu", device }],
      enableGraphCapture: captured,
      graphOptimizationLevel: "all",
      ...(entry.sides && { freeDimensionOverrides: entry.sides }),
      preferredOutputLocation: "gpu-buffer",
      externalData: entry.weights.map((path) => ({ path, data: weights.get(path) ?? new Uint8Array() })),
    });
    return new GpuGraph(ort, entry, session, captured, makeBuffer);
  }

  /**
   * Writes the inputs of the next run.
   * @param {GPUQueue} queue
   * @param {Record<string, Float32Array | Int32Array>} feeds
   * @returns {number} bytes written
   */
  write(queue, feeds) {
    let bytes = 0;
    for (const [name, data] of Object.entries(feeds)) {
      const buffer = this.feeds.get(name);
      if (!buffer) throw new Error(`${this.entry.file} has no input "${name}"`);
      queue.writeBuffer(buffer, 0, /** @type {Float32Array<ArrayBuffer>} */ (data));
      bytes += data.byteLength;
    }
    return bytes;
  }

  /**
   * Runs the graph on the written inputs and the video's state.
   * @param {GpuVideo} video always the same one for a captured graph
   * @returns {Promise<Map<string, GPUBuffer>>} outputs by name, valid until the next run
   */
  async run(video) {
    let inputs = this.#inputs.get(video);
    if (!inputs) {
      inputs = this.#tensors(this.entry.inputs, (name) => this.feeds.get(name) ?? video.state.get(name));
      this.#inputs.set(video, inputs);
    }
    if (this.#captured) return outputBuffers(await this.#session.run(inputs));
    const buffers = video.outputsOf(this.entry);
    let outputs = this.#outputs.get(video);
    if (!outputs) {
      outputs = this.#tensors(this.entry.outputs, (name) => buffers.get(name));
      this.#outputs.set(video, outputs);
    }
    await this.#session.run(inputs, outputs);
    return buffers;
  }

  async close() {
    try {
      await this.#session.release();
    } finally {
      for (const buffer of this.feeds.values()) buffer.destroy();
    }
  }

  /**
   * @param {Record<string, number[]>} shapes
   * @param {(name: string) => GPUBuffer | undefined} bufferOf
   * @returns {Record<string, Tensor>}
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
}

/**
 * The buffers that a captured session writes to. The session's binding owns them; the tensors are only handles,
 * which would accumulate if they were not disposed of after every run.
 * @param {InferenceSession.ReturnType} results
 */
function outputBuffers(results) {
  const buffers = new Map();
  for (const [name, tensor] of Object.entries(results)) {
    buffers.set(name, tensor.gpuBuffer);
    tensor.dispose();
  }
  return buffers;
}
