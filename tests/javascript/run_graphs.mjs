/**
 * Runs weight-free graphs on ONNX Runtime Web's WebAssembly, the build that browsers get, in plain Node:
 * `node run_graphs.mjs FOLDER` reads the folder's `runs.json` and `values.bin` and writes `outputs.bin`.
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * @typedef {object} Values a tensor in `values.bin`
 * @property {string} name
 * @property {"float32" | "int32"} type
 * @property {number[]} dims
 * @property {number} start its first byte
 */
/** @typedef {{ graph: string, weights: Values[], runs: { feeds: Values[], outputs: string[] }[] }} Job */

const RUNTIME = new URL(
  "../../wasm_bridge/node_modules/onnxruntime-web/dist/ort.node.min.mjs",
  import.meta.url,
);
const ort = await import(RUNTIME.href);

const folder = process.argv[2] ?? ".";
/** @type {Job[]} */
const jobs = JSON.parse(await readFile(join(folder, "runs.json"), "utf8"));
const { buffer, byteOffset } = await readFile(join(folder, "values.bin"));

/** @param {Values} values */
function arrayOf({ type, dims, start }) {
  const length = dims.reduce((product, side) => product * side, 1);
  const bytes = buffer.slice(byteOffset + start, byteOffset + start + 4 * length);
  return type === "int32" ? new Int32Array(bytes) : new Float32Array(bytes);
}

ort.env.wasm.numThreads = 1;
const written = [];
for (const { graph, weights, runs } of jobs) {
  const externalData = weights.map((each) => ({
    path: each.name,
    data: new Uint8Array(arrayOf(each).buffer),
  }));
  const session = await ort.InferenceSession.create(await readFile(join(folder, graph)), {
    executionProviders: ["wasm"],
    externalData,
    logSeverityLevel: 3,
  });
  for (const { feeds, outputs } of runs) {
    const tensors = feeds.map((each) => [each.name, new ort.Tensor(each.type, arrayOf(each), each.dims)]);
    const results = await session.run(Object.fromEntries(tensors));
    for (const name of outputs) written.push(Buffer.from(Float32Array.from(results[name].data).buffer));
  }
  await session.release();
}
await writeFile(join(folder, "outputs.bin"), Buffer.concat(written));
