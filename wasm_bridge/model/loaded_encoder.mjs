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

/** @import { EncoderFiles } from "../files/encoder_files.mjs" */
/** @import { Backend } from "../runner/backend.mjs" */
/** @import { EncoderRun, Feed } from "../runner/encoder_graphs.mjs" */
/** @import { EncoderDescription, EncoderLoadOptions } from "./encoder_types.mjs" */
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
   * @param {string[]} notes of the load before
   */
  constructor(python, { backend, runner, notes: later }, notes) {
    this.python = python;
    this.backend = backend;
    this.runner = runner;
    this.notes = [...notes, ...later];
    this.description = JSON.parse(python.description());
    this.bridge = {
      execute: (/** @type {string} */ header, /** @type {any} */ packed) =>
        runner.execute(runOf(header, packed)),
      forget: (/** @type {string} */ stream) => {
        runner.forget(stream).catch(() => {}); // a worker that has ended holds nothing
      },
    };
  }

  /**
   * Reads a vision tower, chooses a backend and starts the encoder's worker.
   *
   * @param {any} pyodide
   * @param {EncoderFiles} files
   * @param {EncoderLoadOptions} options
   * @returns {Promise<LoadedEncoder>}
   * @throws {Error} with a sentence for the user if the files do not fit or no backend can run them
   */
  static async load(pyodide, files, options) {
    const { siteUrl, graphsUrl, backend: wanted, scales, attnType, frameIndependent, decodes } = options;
    const texts = await files.texts();
    const module = pyodide.pyimport("autogaze_web.page.encoder_model");
    let python;
    try {
      python = module.PageEncoder(
        texts.config,
        texts.preprocessor ?? undefined,
        scales ?? undefined,
        attnType ?? undefined,
        frameIndependent ?? undefined,
        texts.index ?? undefined,
      );
    } finally {
      module.destroy();
    }
    try {
      const manifest = await fetchManifest(graphsUrl, "encoder_graphs.json");
      const tables = await readHeads(pyodide, python, files);
      const decoder = decodes ? await decoderWeights(pyodide, python, files) : [];
      const graphs = python.choose_graphs(manifest); // before a large download
      const weights = new Map([...(await towerWeights(tables, files)), ...decoder]);
      const started = await startRunner(
        wanted,
        () => graphs,
        { siteUrl, graphsUrl, weights },
        async ({ name, threads }, given) => new RemoteEncoder({ ...given, backend: name, threads }),
      );
      return new LoadedEncoder(python, started, [...files.notes]);
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
 * Where the tower's tensors lie, by the names of the files that hold some.
 * @param {any} pyodide
 * @param {any} python `PageEncoder`, as a Pyodide proxy
 * @param {EncoderFiles} files
 * @returns {Promise<[file: string, table: TableEntry[]][]>}
 */
async function readHeads(pyodide, python, files) {
  const names = namesOf(python.files());
  const heads = await files.heads(names);
  const given = pyodide.toPy(heads.map(({ name, head, size }) => [name, head, size]));
  try {
    return Object.entries(JSON.parse(python.read_heads(given)));
  } finally {
    given.destroy();
  }
}

/**
 * The tower's tensors as float32, by name. Only their part of the files is read.
 * @param {[file: string, table: TableEntry[]][]} tables
 * @param {EncoderFiles} files
 */
async function towerWeights(tables, files) {
  const parts = await files.parts(new Map(tables.map(([name, table]) => [name, rangeOf(table)])));
  return tables.flatMap(([name, table]) => {
    const { start: first } = rangeOf(table);
    /** @type {TableEntry[]} */
    const moved = table.map(([tensor, dtype, start, end]) => [tensor, dtype, start - first, end - first]);
    return [...float32Weights(parts.get(name) ?? new Uint8Array(), moved)];
  });
}

/**
 * The frame decoder's tensors as float32, by name.
 * @param {any} pyodide
 * @param {any} python `PageEncoder`, as a Pyodide proxy
 * @param {EncoderFiles} files
 */
async function decoderWeights(pyodide, python, files) {
  const { config, weights } = await files.decoder();
  const head = pyodide.toPy(headerBytes(weights));
  try {
    /** @type {TableEntry[]} */
    const table = JSON.parse(python.read_decoder(config, head, weights.length));
    return float32Weights(weights, table);
  } finally {
    head.destroy();
  }
}

/**
 * @param {any} list of texts, as a Pyodide proxy, which is destroyed
 * @returns {string[]}
 */
function namesOf(list) {
  try {
    return list.toJs();
  } finally {
    list.destroy();
  }
}

/**
 * From the first byte of the tensors to the end of the last.
 * @param {TableEntry[]} table
 */
function rangeOf(table) {
  return {
    start: Math.min(...table.map(([, , start]) => start)),
    end: Math.max(...table.map(([, , , end]) => end)),
  };
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
