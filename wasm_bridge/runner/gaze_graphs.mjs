/**
 * The model's graphs: what `autogaze-web export` wrote, and their sessions. docs/graph.md describes them.
 * @module
 */

import { fetchData } from "../calls/limited_fetch.mjs";

/** @import { FrameOnGpu, Pass, UploadFrame } from "./gpu_frame.mjs" */
/** @import { RunnerCounters } from "./runner_counters.mjs" */

/** @typedef {typeof import("onnxruntime-web")} Ort */

/** Graphs have no weights: those of the released model have less than 5 MB. */
const MAX_GRAPH_BYTES = 100_000_000;

/**
 * @typedef {object} GraphEntry one of the manifest's graphs
 * @property {string} file
 * @property {"cpu" | "gpu"} target
 * @property {"frame" | "steps" | "tiles"} kind
 * @property {number} steps
 * @property {number | null} capacity rows of context; null for tiles, and where the context grows
 * @property {Record<string, number[]>} inputs shapes by name; those of a tiles graph name the sides "batch" and
 *   "context" until `graphOfRun` has set them, those of a growing context name "context" (`withContext`)
 * @property {Record<string, number[]>} outputs
 * @property {string[]} weights names
 * @property {Record<string, number>} [sides] of a tiles graph
 *
 * @typedef {{ version: number, architecture: object, graphs: GraphEntry[] }} Manifest
 */

/**
 * One run as `generation.Run` describes it.
 * @typedef {object} Run
 * @property {number} video whose context it is: 0 for a stream
 * @property {"frame" | "steps" | "tiles"} graph
 * @property {number} steps
 * @property {number} capacity rows of context
 * @property {number} [batch] videos in a run of the tiles graph
 * @property {number} [first] the first tile of such a run, if it is fed no `frame`
 * @property {number} [age] frames since the one that the tiles are cut from
 * @property {number[]} copies source, count and row of each copy of rows into the context, flat; in a batch its
 *   video comes first
 * @property {Record<string, Float32Array | Int32Array>} feeds
 */

/**
 * What runs the graphs of one checkpoint. Each video has a context of its own, made when it is first named.
 * @typedef {object} GazeRunner
 * @property {() => Promise<void>} prepare makes all sessions, so that the first frame need not wait for them
 * @property {(run: Run) => Promise<Float32Array>} execute copies, runs and answers the decisions
 * @property {() => void} restart forgets all videos
 * @property {UploadFrame} [uploadFrame] takes the pixels of which the next run of a
 *   frame graph that is fed no `frame` makes its own
 * @property {(frame: FrameOnGpu) => boolean} [keepFrame] copies a frame within the GPU; false if it is on another device
 * @property {(passes: Pass[], tables?: Uint32Array<ArrayBuffer>) => void} [takeKept] as `uploadFrame`, for the pixels that
 *   were kept last
 * @property {() => void} [onWait] called in each run once it is under way and only its decisions are waited for
 * @property {() => Promise<void>} close frees everything
 * @property {GPUDevice} [device] that it runs on
 * @property {Promise<void>} lost resolves if what it runs on goes away, and it with it
 * @property {RunnerCounters} counters since the start
 */

/** @param {number[]} shape */
export function sizeOf(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * @param {GraphEntry[]} graphs
 * @param {string} kind
 * @param {number} steps
 */
export function graphOf(graphs, kind, steps) {
  const graph = graphs.find((each) => each.kind === kind && each.steps === steps);
  if (!graph) throw new Error(`There is no graph ${kind}-${steps}: export it with autogaze-web export.`);
  return graph;
}

/**
 * The graph of a run.
 * @param {GraphEntry[]} graphs
 * @param {Run} run
 * @returns {GraphEntry}
 */
export function graphOfRun(graphs, { graph, steps, batch, capacity }) {
  const entry = graphOf(graphs, graph, steps);
  return graph === "tiles" && batch ? sizedGraph(entry, { batch, context: capacity }) : entry;
}

/**
 * A shape whose context has so many rows.
 * @param {(number | string)[]} shape of an input, maybe with a side "context"
 * @param {number} rows
 */
export function withContext(shape, rows) {
  return shape.map((side) => (side === "context" ? rows : Number(side)));
}

/**
 * A tiles graph for batches of one size.
 * @param {GraphEntry} entry
 * @param {Record<string, number>} sides by name
 * @returns {GraphEntry}
 */
function sizedGraph(entry, sides) {
  const sized = (/** @type {Record<string, number[]>} */ shapes) =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, shape.map((side) => sides[side] ?? side)]),
    );
  return { ...entry, inputs: sized(entry.inputs), outputs: sized(entry.outputs), sides };
}

/**
 * Names a graph's session, and the videos that it may run.
 * @param {GraphEntry} entry
 */
export function keyOf({ file, sides }) {
  return sides ? `${file} ${Object.values(sides).join("x")}` : file;
}

/**
 * Names a video: tiles have contexts apart from those of whole frames.
 * @param {Pick<Run, "graph" | "video">} run
 */
export function videoKey({ graph, video }) {
  return graph === "tiles" ? `tile ${video}` : `${video}`;
}

/**
 * Downloads a graph.
 * @param {Pick<GraphEntry, "file">} graph
 * @param {string} graphsUrl of the folder with `graphs.json`
 * @returns {Promise<Uint8Array>}
 */
export async function fetchGraph(graph, graphsUrl) {
  return fetchData(new URL(graph.file, graphsUrl), {
    name: graph.file,
    limit: MAX_GRAPH_BYTES,
    missing: (status) => `The graph ${graph.file} is missing (${status}) at ${graphsUrl}.`,
  });
}

/** @param {string} name of an input */
export function isContext(name) {
  return /^context_(key|value)_/.test(name);
}

/** @param {string} name of an input */
export function isTrunkPast(name) {
  return name.startsWith("trunk_past_");
}

/** @param {string} name of an input */
export function typeOf(name) {
  return name === "tokens" || name === "pending_tokens" ? "int32" : "float32";
}

/**
 * What a video's context and trunk need, by input name.
 * @param {GraphEntry[]} graphs that share one context
 * @returns {Map<string, number[]>} shapes
 */
export function stateShapes(graphs) {
  const shapes = new Map();
  for (const { inputs } of graphs) {
    for (const [name, shape] of Object.entries(inputs)) {
      if (isContext(name) || isTrunkPast(name)) shapes.set(name, shape);
    }
  }
  return shapes;
}

/**
 * The pieces that copying rows from new keys or values to a context comes to, head by head.
 *
 * @param {number[]} copies source, count and row of each; with batches its video before them
 * @param {number[]} from shape of the new rows: heads, rows, depth; with batches the videos before them
 * @param {number[]} to shape of the context
 * @returns {{ source: number, target: number, length: number }[]} in elements
 */
export function piecesOf(copies, from, to) {
  const [heads = 0, rows = 0, depth = 0] = from.slice(-3);
  const capacity = to.at(-2) ?? 0;
  const numbers = from.length;
  const pieces = [];
  for (let i = 0; i < copies.length; i += numbers) {
    const [source = 0, count = 0, row = 0] = copies.slice(i + numbers - 3, i + numbers);
    const first = numbers > 3 ? heads * (copies[i] ?? 0) : 0;
    for (let head = first; head < first + heads; head++) {
      pieces.push({
        source: (head * rows + source) * depth,
        target: (head * capacity + row) * depth,
        length: count * depth,
      });
    }
  }
  return pieces;
}
