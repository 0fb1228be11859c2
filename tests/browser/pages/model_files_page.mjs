/**
 * The page side of `model_files_worker.mjs`: `call(name, args)` asks the worker and resolves to its answer.
 * @module
 */

import { startWorker } from "./wasm_bridge/calls/start_worker.mjs";

const worker = startWorker(new URL("model_files_worker.mjs", import.meta.url));
const waiting = new Map();
let id = 0;

globalThis.progress = [];
globalThis.outcome = null;
globalThis.call = (call, args) =>
  new Promise((resolve) => {
    waiting.set(++id, resolve);
    worker.postMessage({ id, call, args });
  });

worker.onmessage = ({ data }) => {
  if (data.ready) globalThis.ready = true;
  else if (data.progress) globalThis.progress.push(data.progress);
  else waiting.get(data.id)(data);
};
