/**
 * A vision encoder on ONNX Runtime Web, driven by Python: the other side of `py/autogaze_web/page/encoder_model.py`.
 * @module
 */

import { unpacked } from "../python/python_memory.mjs";
import { RemoteEncoder } from "../runner/encoder_remote.mjs";
import { startFault } from "../runner/ort_loader.mjs";
import { fetchManifest } from "./loaded_model.mjs";
import { startRunner } from "./start_runner.mjs";
import { float32Weights, headerBytes } from "./weights.mjs";

/** @import { ModelFiles } from "../files/model_files.mjs" */
/** @import { Backend } from "../runner/backend.mjs" */
/** @import { EncoderRun, Feed } from "../runner/encoder_graphs.mjs" */
/** @import { EncoderDescription, EncoderOptions } from "./encoder_types.mjs" */
/** @import { Started } from "./start_runner.mjs" */
/** @import { TableEntry } from "./weights.mjs" */

/** A loaded encoder: what Python needs to encode with it. */
export class LoadedEncoder {
  /** Python's `PageEncoder`, as a Pyodide proxy. @type {any} */
  python;
  /** @type {Backend} */
  backend;
  /** Sentences about what did not go as usual. */
  notes;
  runner;
  /** What executes runs, for Python: the `EncoderBridge` of `py/autogaze_web/page/encoder_runs.py`. */
  bridge;
  /** @type {EncoderDescription} */
  description;

  /**
   * @param {any} python
   * @param {Started<RemoteEncoder>} started
   */
  constructor(python, { backend, runner, notes }) {
    this.python = python;
    this.backend = backend;
    this.runner = runner;
    this.notes = notes;
    this.description = JSON.parse(python.description());
    const lost = runner.lost.then(() => Promise.reject(new Error("The GPU was lost.")));
    lost.catch(() => {}); // whoever waits for a run throws it
    this.bridge = {
      execute: (/** @type {string} */ header, /** @type {any} */ packed) =>
        Promise.race([runner.execute(runOf(header, packed)), lost]),
    };
  }

  /**
   * Reads a vision tower, chooses a backend and starts the encoder's worker.
   *
   * @param {any} pyodide
   * @param {Pick<ModelFiles, "config" | "preprocessor" | "weights" | "index">} files
   * @param {EncoderOptions} options
   * @returns {Promise<LoadedEncoder>}
   * @throws {Error} with a sentence for the user if the files do not fit or no backend can run them
   */
  static async load(pyodide, files, { siteUrl, graphsUrl, backend: wanted, scales, attnType }) {
    const module = pyodide.pyimport("autogaze_web.page.encoder_model");
    const { config, preprocessor, index } = files;
    const python = module.PageEncoder(
      config,
      preprocessor ?? undefined,
      scales,
      attnType,
      index ?? undefined,
    );
    module.destroy();
    try {
      const weights = weightsOf(pyodide, python, files.weights);
      const manifest = await fetchManifest(graphsUrl);
      const graphsFor = () => python.choose_graphs(manifest);
      const setup = { siteUrl, graphsUrl, weights };
      const started = await startRunner(
        wanted,
        graphsFor,
        setup,
        async ({ name, threads }, given) => new RemoteEncoder({ ...given, backend: name, threads }),
      );
      return new LoadedEncoder(python, started);
    } catch (error) {
      python.destroy();
      throw startFault(error);
    }
  }

  /** Frees the worker with all it holds, and Python's encoder. */
  async close() {
    await this.runner.close();
    this.python.destroy();
  }
}

/**
 * The tower's tensors as float32, by name.
 * @param {any} pyodide
 * @param {any} python `PageEncoder`, as a Pyodide proxy
 * @param {ModelFiles["weights"]} files
 */
function weightsOf(pyodide, python, files) {
  const heads = pyodide.toPy(files.map(({ name, bytes }) => [name, headerBytes(bytes), bytes.length]));
  /** @type {Record<string, TableEntry[]>} */
  const tables = JSON.parse(python.read_heads(heads));
  heads.destroy();
  return new Map(files.flatMap(({ name, bytes }) => [...float32Weights(bytes, tables[name] ?? [])]));
}

/**
 * @param {string} header
 * @param {any} packed a NumPy array, as a Pyodide proxy
 * @returns {EncoderRun}
 */
function runOf(header, packed) {
  const { feeds, shapes, ...run } = JSON.parse(header);
  const arrays = Object.entries(unpacked(feeds, packed));
  return {
    ...run,
    feeds: Object.fromEntries(
      arrays.map(([name, data]) => [name, /** @type {Feed} */ ({ data, shape: shapes[name] })]),
    ),
  };
}
