/**
 * A model on a server in memory, and its loading into a store in memory. Each test starts with an empty store and the
 * files on the server.
 * @module
 */

import assert from "node:assert/strict";
import { beforeEach } from "node:test";
import { FileStore } from "../../wasm_bridge/files/file_store.mjs";
import { loadModelFiles, storedModels } from "../../wasm_bridge/files/model_files.mjs";
import { modelUrls } from "../../wasm_bridge/files/model_source.mjs";
import { newOrigin } from "./fake_origin.mjs";
import { safetensors } from "./model_fixtures.mjs";

/** @typedef {import("./fake_origin.mjs").Served} Served */

export const CONFIG = '{"model_type": "autogaze"}';
export const PREPROCESSOR = '{"image_mean": [0.5]}';
export const WEIGHTS = safetensors({ w: 400 });
export const OTHER_WEIGHTS = safetensors({ w: 300, v: 150 });
export const FOLDER = "https://models.example/m/";
export const URLS = modelUrls(
  { configUrl: `${FOLDER}config.json`, weightsUrl: `${FOLDER}model.safetensors` },
  "https://page.example/",
);

/** @type {ReturnType<typeof newOrigin>} */
export let origin;
/** @type {FileStore | null} */
export let store;
/** The bytes loaded and the total of each report. @type {[number, number][]} */
export let progress;

beforeEach(async () => {
  origin = newOrigin();
  store = await FileStore.open();
  progress = [];
  serve("config", { body: CONFIG });
  serve("preprocessor", { body: PREPROCESSOR });
  serve("weights", { body: WEIGHTS });
});

/** @type {(role: keyof typeof URLS, served: Served) => void} */
export function serve(role, served) {
  origin.server.files.set(URLS[role], served);
}

/**
 * @param {Partial<Parameters<typeof loadModelFiles>[1]>} [options]
 * @param {Parameters<typeof loadModelFiles>[0]} [source]
 */
export function load(options = {}, source = { urls: URLS }) {
  return loadModelFiles(source, {
    store,
    onProgress: (_, loaded, total) => progress.push([loaded, total]),
    ...options,
  });
}

/**
 * The message with which loading fails.
 * @param {Parameters<typeof load>} args
 */
export async function failure(...args) {
  const error = await load(...args).then(
    () => assert.fail("it did not fail"),
    (reason) => reason,
  );
  assert(error instanceof Error);
  return error.message;
}

/** @param {() => unknown} condition */
export async function until(condition) {
  while (!condition()) await new Promise((go) => setImmediate(go));
}

/** The stored files by address. */
export async function stored() {
  return new Map((await storedModels(store)).map((each) => [each.url, each]));
}

/** @param {Awaited<ReturnType<typeof load>>} model */
export function assertComplete(model, weights = WEIGHTS) {
  assert.equal(model.config, CONFIG);
  assert.equal(model.preprocessor, PREPROCESSOR);
  assert.deepEqual(model.weights, [{ name: "model.safetensors", bytes: weights }]);
}

/** @param {Awaited<ReturnType<typeof load>>} model */
export function originsOf({ origins }) {
  return [origins.config, origins.preprocessor, ...origins.weights];
}
