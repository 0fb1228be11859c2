/**
 * A checkpoint on ONNX Runtime Web, driven by Python: the other side of `py/autogaze_web/page/model.py`.
 * @module
 */

import { borrowMemory, withMemory } from "../python/python_memory.mjs";
import { chooseBackend, wasmBackend } from "../runner/backend.mjs";
import { GpuGazeRunner } from "../runner/gaze_gpu.mjs";
import { RemoteGazeRunner } from "../runner/gaze_remote.mjs";
import { loadOrt, startFault } from "../runner/ort_loader.mjs";

/** @typedef {import("../runner/backend.mjs").Backend} Backend */
/** @typedef {import("../runner/gaze_graphs.mjs").GraphEntry} GraphEntry */
/** @typedef {import("../runner/gaze_graphs.mjs").GazeRunner} GazeRunner */

/**
 * @typedef {object} ModelFiles
 * @property {string} config text of config.json
 * @property {string | null} preprocessor text of preprocessor_config.json
 * @property {Uint8Array} weights bytes of model.safetensors
 */

/**
 * @typedef {object} ModelOptions
 * @property {string} siteUrl
 * @property {string} graphsUrl of the folder with graphs.json
 * @property {"auto" | "webgpu" | "wasm"} backend
 * @property {number | null} maxTokens limit on a frame's tokens, null for the model's own
 * @property {boolean} [more] whether batches will be run
 */

/** A loaded model: what Python needs to gaze with it. */
export class PageModel {
  /** @type {Backend} */
  backend;
  /** Python's `PageModel`, as a Pyodide proxy. @type {any} */
  python;
  /** JSON of the graphs in use, for Python. */
  graphs;
  runner;
  /** What executes runs, for Python: the `Bridge` of `py/autogaze_web/page/bridge.py`. */
  bridge;
  /** Runs, restarts and the end wait for each other. */
  #working = Promise.resolve();
  /** Fails the one that is under way. @type {(error: Error) => void} */
  #abandon = () => {};

  /**
   * @param {any} python
   * @param {string} graphs
   * @param {Backend} backend
   * @param {GazeRunner} runner
   */
  constructor(python, graphs, backend, runner) {
    this.python = python;
    this.graphs = graphs;
    this.backend = backend;
    this.runner = runner;
    this.bridge = {
      takes_frames: runner.takeFrame !== undefined,
      execute: (/** @type {string} */ header, /** @type {any} */ packed) => this.#execute(header, packed),
      /** Forgets all videos, once the run that is under way has ended. */
      restart: () => {
        this.#inTurn(async () => this.runner.restart()).catch(() => {});
      },
      take_frame: (/** @type {string} */ passes, /** @type {any} */ rows, /** @type {any} */ tables) =>
        this.#takeFrame(JSON.parse(passes), rows, tables),
    };
    runner.lost.then(() => this.#abandon(new Error("The GPU was lost.")));
  }

  /**
   * Reads a checkpoint, chooses a backend and makes the sessions.
   *
   * @param {any} pyodide
   * @param {ModelFiles} files
   * @param {ModelOptions} options
   * @returns {Promise<PageModel>}
   * @throws {Error} with a sentence for the user if the files do not fit or no backend can run them
   */
  static async load(pyodide, files, { siteUrl, graphsUrl, backend: wanted, maxTokens, more = false }) {
    const module = pyodide.pyimport("autogaze_web.page.model");
    const bytes = pyodide.toPy(files.weights);
    const python = module.PageModel(files.config, files.preprocessor ?? undefined, bytes);
    for (const proxy of [module, bytes]) proxy.destroy();
    /** @type {GazeRunner | undefined} */
    let runner;
    try {
      const manifest = await fetchManifest(graphsUrl);
      const backend = await chooseBackend(wanted);
      const target = backend.name === "webgpu" ? "gpu" : "cpu";
      const graphs = python.choose_graphs(manifest, maxTokens ?? undefined, more, target);
      const setup = { siteUrl, graphs: JSON.parse(graphs), graphsUrl, weights: weightsOf(python) };
      runner = await makeRunner(backend, setup);
      await runner.prepare();
      python.forget_weights();
      const described = runner instanceof RemoteGazeRunner ? wasmBackend(runner.threads) : backend;
      return new PageModel(python, graphs, described, runner);
    } catch (error) {
      await runner?.close().catch(() => {});
      python.destroy();
      throw startFault(error);
    }
  }

  /**
   * Takes a frame's pixels before the run that is to see them: they are on their way to the GPU while Python
   * prepares the run.
   * @param {import("../runner/gpu_frame.mjs").Pass[]} passes
   * @param {any} rows a NumPy array, as a Pyodide proxy
   * @param {any} tables another, or undefined
   */
  #takeFrame(passes, rows, tables) {
    const table = tables && borrowMemory(tables, (memory) => new Uint32Array(memory.slice().buffer));
    borrowMemory(rows, (memory) => this.runner.takeFrame?.(passes, memory, table));
  }

  /**
   * Executes one run.
   * @param {string} header
   * @param {any} packed a NumPy array, as a Pyodide proxy
   */
  #execute(header, packed) {
    const { video, graph, steps, copies, feeds } = JSON.parse(header);
    const bytes = borrowMemory(packed, (memory) => memory.slice().buffer);
    /** @type {Record<string, Float32Array | Int32Array>} */
    const arrays = {};
    for (const [name, dtype, start, length] of feeds) {
      const Type = dtype === "int32" ? Int32Array : Float32Array;
      arrays[name] = new Type(bytes, start, length / Type.BYTES_PER_ELEMENT);
    }
    return this.#inTurn(() => this.runner.execute({ video, graph, steps, copies, feeds: arrays }));
  }

  /** Frees the sessions, the GPU and Python's part. */
  async close() {
    try {
      // What is in use on the GPU cannot be freed before its run has ended.
      if (this.backend.adapter) await this.#working;
      await this.runner.close();
    } finally {
      this.python.destroy();
    }
  }

  /**
   * Runs a task after those before it. It fails at once if what the runner runs on is lost, so that nobody
   * waits for ever.
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #inTurn(task) {
    /** @type {Promise<T>} */
    const done = this.#working.then(
      () =>
        new Promise((resolve, reject) => {
          this.#abandon = reject;
          task().then(resolve, reject);
        }),
    );
    this.#working = done.then(
      () => {},
      () => {},
    );
    return done;
  }
}

/**
 * @param {Backend} backend
 * @param {Omit<import("../runner/gaze_worker.mjs").RunnerSetup, "threads">} setup
 * @returns {Promise<GazeRunner>}
 */
async function makeRunner(backend, setup) {
  const { adapter, threads } = backend;
  if (!adapter) return new RemoteGazeRunner({ ...setup, threads });
  const ort = await loadOrt(backend, setup.siteUrl);
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    requiredFeatures: /** @type {GPUFeatureName[]} */ (
      ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature))
    ),
  });
  return new GpuGazeRunner(ort, device, setup.graphs, setup.graphsUrl, setup.weights);
}

/** @param {string} graphsUrl */
async function fetchManifest(graphsUrl) {
  const url = new URL("graphs.json", graphsUrl);
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(
      `There are no graphs at ${url} (${response.status}): make them with autogaze-web export.`,
    );
  }
  return response.text();
}

/**
 * Copies of the weights, which ONNX Runtime takes over.
 * @param {any} python
 * @returns {Map<string, Uint8Array>}
 */
function weightsOf(python) {
  const names = python.weight_names();
  const weights = new Map();
  for (const name of names) {
    weights.set(
      name,
      withMemory(python.weight_memory(name), (memory) => new Uint8Array(memory)),
    );
  }
  names.destroy();
  return weights;
}
