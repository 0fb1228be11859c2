/**
 * The page side of `model_files_worker.mjs`: `call(name, args)` asks the worker and resolves to its answer.
 * @module
 */

const worker = new Worker(new URL("model_files_worker.mjs", import.meta.url), { type: "module" });
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
