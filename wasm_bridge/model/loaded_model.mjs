/**
 * A checkpoint on ONNX Runtime Web, driven by Python: the other side of `py/autogaze_web/page/model.py`.
 * @module
 */

import { fetchData } from "../calls/limited_fetch.mjs";
import { Serializer } from "../calls/serializer.mjs";
import { unpacked, withArgumentMemory } from "../python/python_memory.mjs";
import { startFault } from "../runner/ort_loader.mjs";
import { makeGazeRunner } from "./gaze_runner.mjs";
import { startRunner } from "./start_runner.mjs";
import { float32Weights, headerBytes } from "./weights.mjs";

/** @import { ModelFiles } from "../files/model_files.mjs" */
/** @import { Backend } from "../runner/backend.mjs" */
/** @import { GazeRunner } from "../runner/gaze_graphs.mjs" */
/** @import { FrameOnGpu, Pass } from "../runner/gpu_frame.mjs" */
/** @import { Started } from "./start_runner.mjs" */
/** @import { TableEntry } from "./weights.mjs" */

/**
 * @typedef {object} LoadOptions
 * @property {string} siteUrl
 * @property {string} graphsUrl of the folder with graphs.json
 * @property {"auto" | "webgpu" | "wasm"} backend
 * @property {number | null} maxTokens limit on a frame's tokens, null for the model's own
 * @property {boolean} [more] whether batches will be run
 */

/** As in `limits.py`. */
const MAX_LISTING_BYTES = 10_000_000;

/** A loaded model: what Python needs to gaze with it. */
export class LoadedModel {
  /** @type {Backend} */
  backend;
  /** Python's `PageModel`, as a Pyodide proxy. @type {any} */
  python;
  /** JSON of the graphs in use, for Python. */
  graphs;
  /** Sentences about what did not go as usual. */
  notes;
  runner;
  /** What executes runs, for Python: the `Bridge` of `py/autogaze_web/page/bridge.py`. */
  bridge;
  #graphsFor;
  #serializer = new Serializer();
  /** Rejects the task in progress. @type {(error: Error) => void} */
  #abort = () => {};

  /**
   * @param {any} python
   * @param {Started<GazeRunner>} started
   * @param {(target: "gpu" | "cpu", maxTokens: number | null) => string} graphsFor chooses graphs, as JSON
   */
  constructor(python, { graphs, backend, runner, notes }, graphsFor) {
    this.python = python;
    this.#graphsFor = graphsFor;
    this.graphs = graphs;
    this.backend = backend;
    this.runner = runner;
    this.notes = notes;
    this.bridge = {
      uploads_frames: runner.uploadFrame !== undefined,
      execute: (/** @type {string} */ header, /** @type {any} */ packed) => this.#execute(header, packed),
      /** Forgets all videos, once the current run has ended. */
      restart: () => {
        this.#run(async () => this.runner.restart()).catch(() => {});
      },
      upload_frame: (/** @type {string} */ passes, /** @type {any} */ rows, /** @type {any} */ tables) =>
        this.#uploadFrame(JSON.parse(passes), rows, tables),
      keep_frame: (
        /** @type {{ frame: () => (FrameOnGpu & { rowPixels: number }) | undefined }} */ plane,
      ) => {
        const frame = plane.frame();
        return frame && this.runner.keepFrame?.(frame) ? frame.rowPixels : 0;
      },
      take_kept: (/** @type {string} */ passes, /** @type {any} */ tables) =>
        this.runner.takeKept?.(JSON.parse(passes), tableOf(tables)),
    };
    runner.lost.then(() => this.#abort(new Error("The GPU was lost.")));
  }

  /**
   * Reads a checkpoint, chooses a backend and makes the sessions. On WebAssembly the weights' bytes are transferred
   * to the runner's worker.
   *
   * @param {any} pyodide
   * @param {Pick<ModelFiles, "config" | "preprocessor" | "weights" | "index">} files
   * @param {LoadOptions} options
   * @returns {Promise<LoadedModel>}
   * @throws {Error} with a sentence for the user if the files do not fit or no backend can run them
   */
  static async load(pyodide, files, { siteUrl, graphsUrl, backend: wanted, maxTokens, more = false }) {
    const python = readCheckpoint(pyodide, files);
    try {
      /** @type {TableEntry[][]} */
      const tables = JSON.parse(python.weight_tables());
      const weights = new Map(
        files.weights.flatMap(({ bytes }, number) => [...float32Weights(bytes, tables[number] ?? [])]),
      );
      const manifest = await fetchManifest(graphsUrl);
      const graphsFor = (/** @type {"gpu" | "cpu"} */ target, limit = maxTokens) =>
        python.choose_graphs(manifest, limit ?? undefined, more, target);
      const setup = { siteUrl, graphsUrl, weights };
      const started = await startRunner(wanted, graphsFor, setup, makeGazeRunner);
      return new LoadedModel(python, started, graphsFor);
    } catch (error) {
      python.destroy();
      throw startFault(error);
    }
  }

  /**
   * Whether the graphs in use are those for a limit on a frame's tokens.
   * @param {number | null} maxTokens null for the model's own
   */
  covers(maxTokens) {
    return this.#graphsFor(this.backend.adapter ? "gpu" : "cpu", maxTokens) === this.graphs;
  }

  /**
   * Uploads a frame's pixels to the GPU while Python still prepares the run that reads them.
   * @param {Pass[]} passes
   * @param {any} rows a NumPy array, as a Pyodide proxy
   * @param {any} tables another, or undefined
   */
  #uploadFrame(passes, rows, tables) {
    const table = tableOf(tables);
    withArgumentMemory(rows, (memory) => this.runner.uploadFrame?.(passes, memory, table));
  }

  /**
   * Executes one run.
   * @param {string} header
   * @param {any} packed a NumPy array, as a Pyodide proxy
   */
  #execute(header, packed) {
    const { feeds, ...run } = JSON.parse(header);
    const arrays = /** @type {Record<string, Float32Array | Int32Array>} */ (unpacked(feeds, packed));
    return this.#run(() => this.runner.execute({ ...run, feeds: arrays }));
  }

  /** Frees the sessions, the GPU and Python's model. */
  async close() {
    try {
      // What is in use on the GPU cannot be freed before its run has ended.
      if (this.backend.adapter) await this.#serializer.idle();
      await this.runner.close();
    } finally {
      this.python.destroy();
    }
  }

  /**
   * Runs a task once those before it have ended. It fails at once if the GPU is lost, since it might never end.
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #run(task) {
    return this.#serializer.run(
      () =>
        new Promise((resolve, reject) => {
          this.#abort = reject;
          task().then(resolve, reject);
        }),
    );
  }
}

/**
 * A copy of a plan's tables.
 * @param {any} tables a NumPy array, as a Pyodide proxy, or undefined
 * @returns {Uint32Array<ArrayBuffer> | undefined}
 */
function tableOf(tables) {
  return tables && withArgumentMemory(tables, (memory) => new Uint32Array(memory.slice().buffer));
}

/**
 * Python's `PageModel` of a checkpoint: it validates config and headers; the tensors stay in JavaScript.
 * @param {any} pyodide
 * @param {Pick<ModelFiles, "config" | "preprocessor" | "weights" | "index">} files
 */
function readCheckpoint(pyodide, { config, preprocessor, weights, index }) {
  const module = pyodide.pyimport("autogaze_web.page.model");
  const files = pyodide.toPy(weights.map(({ name, bytes }) => [name, headerBytes(bytes), bytes.length]));
  try {
    return module.PageModel(config, preprocessor ?? undefined, files, index ?? undefined);
  } finally {
    for (const proxy of [module, files]) proxy.destroy();
  }
}

/**
 * The text of what lists a folder's graphs.
 * @param {string} graphsUrl
 * @param {string} [name] of the file
 */
export async function fetchManifest(graphsUrl, name = "graphs.json") {
  const url = new URL(name, graphsUrl);
  const bytes = await fetchData(url, {
    name,
    limit: MAX_LISTING_BYTES,
    missing: (status) => `There are no graphs at ${url} (${status}): make them with autogaze-web export.`,
  });
  return new TextDecoder().decode(bytes);
}
