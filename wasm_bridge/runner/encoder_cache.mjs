/**
 * The keys and values of one stream of an encoder, in memory or on a GPU.
 * @module
 */

import { cacheChange } from "./row_cache.mjs";

/** @import { EncoderGraph } from "./encoder_graphs.mjs" */
/** @import { RunnerCounters } from "./runner_counters.mjs" */
/** @import { Tensor } from "onnxruntime-web" */
/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * @typedef {object} RowCache
 * @property {(kept: number[], dropped: number) => void} change appends rows of the last run, then drops the oldest
 * @property {() => Record<string, Tensor>} tensors the inputs of the next run
 * @property {(results: Record<string, Tensor>) => void} take takes a run's new keys and values
 * @property {() => void} close frees them
 */

/**
 * The inputs with keys and values, and heads and depth of each.
 * @param {EncoderGraph} graph
 */
export function cachedInputs({ inputs }) {
  return Object.entries(inputs).flatMap(([name, [heads, rows, depth]]) =>
    /^past_(key|value)_\d+$/.test(name) && typeof rows === "string"
      ? [{ name, output: name.replace("past_", "new_"), heads: Number(heads), depth: Number(depth) }]
      : [],
  );
}

/** @implements {RowCache} */
export class ArrayRowCache {
  #ort;
  #inputs;
  #rows = 0;
  /** @type {Map<string, Float32Array>} */
  #arrays;
  /** @type {Map<string, Tensor>} */
  #fresh = new Map();

  /**
   * @param {Ort} ort
   * @param {EncoderGraph} graph
   */
  constructor(ort, graph) {
    this.#ort = ort;
    this.#inputs = cachedInputs(graph);
    this.#arrays = new Map(
      this.#inputs.map(({ name, heads, depth }) => [name, new Float32Array(heads * depth)]),
    );
  }

  /** @type {RowCache["change"]} */
  change(kept, dropped) {
    if (kept.length === 0 && dropped === 0) return;
    let rows = this.#rows;
    for (const { name, output, heads, depth } of this.#inputs) {
      const fresh = this.#fresh.get(output);
      const shape = { heads, depth, cached: this.#rows, fresh: fresh?.dims[1] ?? 0 };
      const change = cacheChange(shape, kept, dropped);
      const next = new Float32Array(heads * (1 + change.rows) * depth);
      const sources = { cache: this.#arrays.get(name), fresh: /** @type {Float32Array} */ (fresh?.data) };
      for (const { from, source, target, length } of change.pieces) {
        const array = /** @type {Float32Array} */ (sources[from]);
        next.set(array.subarray(source, source + length), target);
      }
      this.#arrays.set(name, next);
      rows = change.rows;
    }
    this.#rows = rows;
  }

  tensors() {
    return Object.fromEntries(
      this.#inputs.map(({ name, heads, depth }) => {
        const array = /** @type {Float32Array} */ (this.#arrays.get(name));
        return [name, new this.#ort.Tensor("float32", array, [heads, 1 + this.#rows, depth])];
      }),
    );
  }

  /** @type {RowCache["take"]} */
  take(results) {
    for (const { output } of this.#inputs) this.#fresh.set(output, /** @type {Tensor} */ (results[output]));
  }

  close() {
    this.#fresh.clear();
    this.#arrays.clear();
  }
}

const BYTES = 4;

/**
 * Two buffers for each input, as large as needed up to now: the cache as it is, and as it will be.
 * @implements {RowCache}
 */
export class GpuRowCache {
  #ort;
  #device;
  #counters;
  #inputs;
  #rows = 0;
  /** @type {Map<string, [GPUBuffer, GPUBuffer]>} */
  #buffers;
  /** @type {Map<string, Tensor>} */
  #fresh = new Map();

  /**
   * @param {Ort} ort
   * @param {GPUDevice} device
   * @param {EncoderGraph} graph
   * @param {RunnerCounters} counters
   */
  constructor(ort, device, graph, counters) {
    this.#ort = ort;
    this.#device = device;
    this.#counters = counters;
    this.#inputs = cachedInputs(graph);
    this.#buffers = new Map(
      this.#inputs.map(({ name, heads, depth }) => {
        const size = BYTES * heads * depth;
        return [name, [this.#buffer(size), this.#buffer(size)]];
      }),
    );
  }

  /** @type {RowCache["change"]} */
  change(kept, dropped) {
    if (kept.length === 0 && dropped === 0) return;
    const encoder = this.#device.createCommandEncoder();
    let rows = this.#rows;
    for (const { name, output, heads, depth } of this.#inputs) {
      const fresh = this.#fresh.get(output);
      const shape = { heads, depth, cached: this.#rows, fresh: fresh?.dims[1] ?? 0 };
      const change = cacheChange(shape, kept, dropped);
      const [now, spare] = /** @type {[GPUBuffer, GPUBuffer]} */ (this.#buffers.get(name));
      const next = this.#fitting(spare, BYTES * heads * (1 + change.rows) * depth);
      const sources = { cache: now, fresh: fresh?.gpuBuffer };
      for (const { from, source, target, length } of change.pieces) {
        const buffer = /** @type {GPUBuffer} */ (sources[from]);
        encoder.copyBufferToBuffer(buffer, BYTES * source, next, BYTES * target, BYTES * length);
      }
      for (let head = 0; head < heads; head++)
        encoder.clearBuffer(next, BYTES * head * (1 + change.rows) * depth, BYTES * depth);
      this.#buffers.set(name, [next, now]);
      rows = change.rows;
    }
    this.#device.queue.submit([encoder.finish()]);
    this.#rows = rows;
  }

  tensors() {
    return Object.fromEntries(
      this.#inputs.map(({ name, heads, depth }) => {
        const [buffer] = /** @type {[GPUBuffer, GPUBuffer]} */ (this.#buffers.get(name));
        const dims = [heads, 1 + this.#rows, depth];
        return [name, this.#ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims })];
      }),
    );
  }

  /** @type {RowCache["take"]} */
  take(results) {
    for (const { output } of this.#inputs) {
      this.#fresh.get(output)?.dispose();
      this.#fresh.set(output, /** @type {Tensor} */ (results[output]));
    }
  }

  close() {
    for (const tensor of this.#fresh.values()) tensor.dispose();
    this.#fresh.clear();
    for (const buffer of [...this.#buffers.values()].flat()) buffer.destroy();
    this.#buffers.clear();
  }

  /**
   * @param {GPUBuffer} buffer is freed if it is too small
   * @param {number} size in bytes
   */
  #fitting(buffer, size) {
    if (buffer.size >= size) return buffer;
    buffer.destroy();
    return this.#buffer(2 * size);
  }

  /** @param {number} size in bytes */
  #buffer(size) {
    this.#counters.allocations += 1;
    return this.#device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
  }
}
