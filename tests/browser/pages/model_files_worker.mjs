/**
 * Runs the model files' modules in a worker for the tests: one call per message, `{ id, call, args }`.
 * @module
 */

import { FileStore } from "./wasm_bridge/files/file_store.mjs";
import { deleteModels, loadModelFiles, storedModels } from "./wasm_bridge/files/model_files.mjs";
import { modelUrls } from "./wasm_bridge/files/model_source.mjs";

let cancel = new AbortController();

const CALLS = {
  async load({ files, store = true, cancelAt, timeouts, ...urls }) {
    cancel = new AbortController();
    const progress = [];
    const source = files ? { files } : { urls: modelUrls(urls, location.href) };
    const model = await loadModelFiles(source, {
      store: store ? await FileStore.open() : null,
      signal: cancel.signal,
      timeouts,
      onProgress(step, loaded, total) {
        progress.push([loaded, total]);
        postMessage({ progress: [step, loaded, total] });
        if (loaded >= cancelAt) cancel.abort();
      },
    });
    const digest = await crypto.subtle.digest("SHA-256", model.weights[0].bytes);
    const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { ...model, weights: sha256, progress };
  },
  cancel: () => cancel.abort(),
  urls: (given) => modelUrls(given, given.base),
  stored: async () => storedModels(await FileStore.open()),
  remove: async () => deleteModels(await FileStore.open()),
};

self.onmessage = async ({ data: { id, call, args } }) => {
  try {
    postMessage({ id, value: await CALLS[call](args) });
  } catch (error) {
    postMessage({ id, error: { name: error.name, message: error.message } });
  }
};

postMessage({ ready: true });
