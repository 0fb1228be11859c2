/**
 * A video's state between frames, in GPU buffers that are allocated once.
 * @module
 */

import { isTrunkPast, keyOf, piecesOf } from "./gaze_graphs.mjs";

/** @import { GraphEntry } from "./gaze_graphs.mjs" */
/** @import { RowMover } from "./row_mover.mjs" */
/** @typedef {(shape: number[]) => GPUBuffer} MakeBuffer */

export class GpuVideo {
  /** The context's and the trunk's buffers by the graphs' input names. @type {Map<string, GPUBuffer>} */
  state;

  #shapes;
  #makeBuffer;
  #mover;
  /** Outputs by the graph's `keyOf` and output name. @type {Map<string, Map<string, GPUBuffer>>} */
  #outputs = new Map();
  /** The last run. @type {{ entry: GraphEntry, outputs: Map<string, GPUBuffer> } | undefined} */
  #last;

  /**
   * @param {Map<string, number[]>} shapes of the state by input name
   * @param {MakeBuffer} makeBuffer new buffers are all zeros: rows hidden by the bias are still multiplied by
   *   zero, so they must not contain NaN
   * @param {RowMover} mover of the same device
   */
  constructor(shapes, makeBuffer, mover) {
    this.#shapes = shapes;
    this.#makeBuffer = makeBuffer;
    this.#mover = mover;
    this.state = new Map([...shapes].map(([name, shape]) => [name, makeBuffer(shape)]));
  }

  /**
   * Output buffers of a graph, for a session that does not allocate its own.
   * @param {GraphEntry} entry
   */
  outputsOf(entry) {
    let outputs = this.#outputs.get(keyOf(entry));
    if (!outputs) {
      const shapes = Object.entries(entry.outputs);
      outputs = new Map(shapes.map(([name, shape]) => [name, this.#makeBuffer(shape)]));
      this.#outputs.set(keyOf(entry), outputs);
    }
    return outputs;
  }

  /**
   * Copies rows of the last run's new keys and values into the context.
   * @param {GPUCommandEncoder} encoder
   * @param {number[]} copies source, count and row of each, flat
   */
  copyRows(encoder, copies) {
    if (!this.#last || copies.length === 0) return;
    const { entry, outputs } = this.#last;
    // All layers' keys and values have the same shape.
    const names = [...outputs.keys()].filter((name) => name.startsWith("new_"));
    const [first = ""] = names;
    const pieces = piecesOf(copies, entry.outputs[first] ?? [], this.#shapes.get(contextOf(first)) ?? []);
    const pairs = names.map((name) => ({
      from: /** @type {GPUBuffer} */ (outputs.get(name)),
      to: this.#buffer(contextOf(name)),
    }));
    this.#mover.encode(encoder, pieces, pairs);
  }

  /**
   * Stores the outputs of a run: the trunk's state at once, keys and values when `copyRows` requests them.
   * @param {GPUCommandEncoder} encoder
   * @param {GraphEntry} entry
   * @param {Map<string, GPUBuffer>} outputs
   */
  storeOutputs(encoder, entry, outputs) {
    this.#last = { entry, outputs };
    if (entry.kind === "steps") return;
    for (const [name, to] of this.state) {
      if (!isTrunkPast(name)) continue;
      const from = outputs.get(name.replace("past", "next"));
      if (!from) throw new Error(`${entry.file} gives nothing for "${name}"`);
      encoder.copyBufferToBuffer(from, 0, to, 0, to.size);
    }
  }

  /**
   * Clears the state of all frames; the buffers remain allocated.
   * @param {GPUCommandEncoder} encoder
   */
  clear(encoder) {
    this.#last = undefined;
    for (const buffer of this.state.values()) encoder.clearBuffer(buffer);
  }

  destroy() {
    for (const buffers of [this.state, ...this.#outputs.values()]) {
      for (const buffer of buffers.values()) buffer.destroy();
    }
  }

  /** @param {string} name */
  #buffer(name) {
    const buffer = this.state.get(name);
    if (!buffer) throw new Error(`there is no buffer for "${name}"`);
    return buffer;
  }
}

/** @param {string} name of new keys or values */
function contextOf(name) {
  return name.replace("new_", "context_");
}
