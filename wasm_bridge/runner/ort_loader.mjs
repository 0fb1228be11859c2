/**
 * Loads the build of ONNX Runtime Web that a backend needs in this browser, and no other.
 * @module
 */

import { FileError } from "../calls/limited_fetch.mjs";
import { letWorkersInherit } from "../calls/start_worker.mjs";
import { withTimeLimit } from "../calls/time_limit.mjs";
import { buildFor, ORT_FOLDER } from "./ort_files.mjs";

const IMPORT_TIMEOUT_MS = 120_000;
const NOT_STARTED = "ONNX Runtime could not be started: ";

/** @typedef {typeof import("onnxruntime-web")} Ort */
/** @import { Backend } from "./backend.mjs" */

/**
 * @param {Pick<Backend, "name" | "threads">} backend
 * @param {string} siteUrl of the folder with `runtime/`
 * @returns {Promise<Ort>}
 */
export async function loadOrt(backend, siteUrl) {
  letWorkersInherit(); // its threads are workers
  const [loader, program] = buildFor(backend.name);
  const folder = new URL(ORT_FOLDER, siteUrl).href;
  /** @type {Ort} */
  const ort = await withTimeLimit(
    import(`${folder}${loader}`),
    IMPORT_TIMEOUT_MS,
    "ONNX Runtime did not arrive: check the connection, then load the model again.",
  ).catch((error) => {
    throw new FileError(startFault(error).message);
  });
  ort.env.wasm.wasmPaths = { mjs: `${folder}${program}.mjs`, wasm: `${folder}${program}.wasm` };
  ort.env.wasm.numThreads = backend.threads;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * What went wrong, with a sentence for the user where ONNX Runtime itself could not be started. An error that already
 * has this sentence is returned unchanged, also if it comes from a worker and so is no `FileError`.
 * @param {unknown} error
 * @returns {Error}
 */
export function startFault(error) {
  const fault = error instanceof Error ? error : new Error(String(error));
  const reason = fault.message;
  if (reason.startsWith(NOT_STARTED)) return fault;
  if (!/no available backend|dynamically imported module|importing a module/i.test(reason)) return fault;
  return new FileError(
    `${NOT_STARTED}reload the page; if that does not help, the site's files are ` +
      `incomplete or this browser lacks memory (${reason.trim().split("\n")[0]}).`,
  );
}
