/**
 * Measures this machine in under a minute: how long Python and the model take to start, and what a frame costs. Fetched
 * when it is needed; `tests/bench/pages/matrix.mjs` runs it headless.
 * @module
 */

/** @import { AutoGaze as Gaze, CreateOptions } from "../../wasm_bridge/autogaze.mjs" */
/** @import { BackendResult, BenchResult, BudgetResult } from "./bench_report.mjs" */

import { AutoGaze, adapterName, isSoftware, PatchDiff, requestAdapter } from "../../wasm_bridge/autogaze.mjs";
import { loadExample } from "../check/example_check.mjs";
import { framesResult, memoryOf, modelName } from "./bench_report.mjs";

export const SIZE = { width: 640, height: 360 };
const FRAMES = 30;
const WARM_UP = 2;

/**
 * @typedef {object} BenchOptions
 * @property {CreateOptions} [model] the built-in one by default
 * @property {number} [seconds] for all frames together; starts come on top
 * @property {AbortSignal} [signal] cancels
 * @property {(text: string, share: number) => void} [onProgress] what is measured now, and the share that is done
 */

/**
 * @param {BenchOptions} [options]
 * @returns {Promise<BenchResult>}
 * @throws the signal's reason, or an Error with a sentence for the user
 */
export async function runBenchmark({
  model = {},
  seconds = 24,
  signal = new AbortController().signal,
  onProgress = () => {},
} = {}) {
  const adapter = await requestAdapter();
  const gpu = adapter && !isSoftware(adapter) ? adapterName(adapter) : "";
  const backends = /** @type {("webgpu" | "wasm")[]} */ (gpu ? ["webgpu", "wasm"] : ["wasm"]);
  const frames = await exampleFrames();
  const steps = 2 + 4 * backends.length;
  let done = 0;
  const progress = (/** @type {string} */ text) => {
    signal.throwIfAborted();
    onProgress(text, done++ / steps);
  };
  const limits = { milliseconds: (1000 * seconds) / (1 + 2 * backends.length), signal };
  try {
    progress("Starting Python");
    const [patchDiff, pythonMs] = await timed(() => PatchDiff.create({ signal }));
    progress("Changed pixels, no model");
    const changed = await closing(patchDiff, () => measured(patchDiff, frames, limits));
    /** @type {BackendResult[]} */
    const results = [];
    for (const backend of backends)
      results.push(await measureBackend(backend, model, frames, limits, progress));
    onProgress("Done", 1);
    return {
      machine: { ...(await machine()), gpu },
      model: modelName(model),
      frame: `${SIZE.width}×${SIZE.height}`,
      pythonMs,
      changed,
      backends: results,
      memoryBytes: await memoryOf(globalThis),
    };
  } finally {
    for (const frame of frames) frame.close();
  }
}

/**
 * @param {"webgpu" | "wasm"} backend
 * @param {CreateOptions} model
 * @param {ImageBitmap[]} frames
 * @param {{ milliseconds: number, signal: AbortSignal }} limits
 * @param {(text: string) => void} progress
 * @returns {Promise<BackendResult>}
 */
async function measureBackend(backend, model, frames, limits, progress) {
  const { signal } = limits;
  const name = backend === "webgpu" ? "WebGPU" : "WebAssembly";
  // Without a requirement every frame uses its whole budget.
  const settings = { taskLossRequirement: "off" };
  progress(`${name}: starting the model`);
  const [gaze, coldMs] = await timed(() =>
    AutoGaze.create({ ...model, backend, maxTokens: 16, settings, signal }),
  );
  return closing(gaze, async () => {
    progress(`${name}: 16 tokens a frame`);
    const few = await measured(gaze, frames, limits);
    progress(`${name}: starting the model again`);
    const [, warmMs] = await timed(() => gaze.set({ maxGazeTokensEachFrame: 0 }, { signal }));
    progress(`${name}: as many tokens as the model may use`);
    const many = await measured(gaze, frames, limits);
    return { backend: gaze.backend, coldMs, warmMs, budgets: [few, many] };
  });
}

/**
 * Measures frames until there are enough or the time is up; at least one.
 * @param {Gaze} gaze
 * @param {ImageBitmap[]} frames
 * @param {{ milliseconds: number, signal: AbortSignal }} limits
 * @returns {Promise<BudgetResult>}
 */
async function measured(gaze, frames, { milliseconds, signal }) {
  const stream = gaze.stream(SIZE);
  const samples = [];
  try {
    const end = performance.now() + milliseconds;
    for (let index = 0; index < WARM_UP + FRAMES; index++) {
      const frame = frames[index % frames.length];
      if (!frame) throw new Error("The example clip has no frames: build the site again with make site.");
      signal.throwIfAborted();
      const [result, totalMs] = await timed(() => stream.next(frame, { signal }));
      if (index >= WARM_UP) samples.push({ result, totalMs });
      if (samples.length > 0 && performance.now() > end) break;
    }
  } finally {
    stream.close();
  }
  return framesResult(samples);
}

/** The frames of NVIDIA's example clip. */
async function exampleFrames() {
  const { expected, picture } = await loadExample();
  const { frames, side } = expected;
  const cut = Array.from({ length: frames }, (_, index) =>
    createImageBitmap(picture, 0, index * side, side, side),
  );
  const made = await Promise.all(cut);
  picture.close();
  return made;
}

/** The browser, the operating system, the number of cores, and whether threads are allowed. */
export async function machine() {
  const { userAgent, hardwareConcurrency } = navigator;
  // Only Chromium has it.
  const { userAgentData } = /** @type {any} */ (navigator);
  const hints = await userAgentData?.getHighEntropyValues(["fullVersionList", "platform"]);
  const named = hints?.fullVersionList.find(
    (/** @type {{ brand: string }} */ { brand }) => !/not.?a.?brand/i.test(brand),
  );
  return {
    browser: named ? `${named.brand} ${named.version}` : userAgent,
    system: String(hints?.platform ?? ""),
    cores: hardwareConcurrency,
    isolated: globalThis.crossOriginIsolated,
  };
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<[T, number]>} the result and the milliseconds that it took
 */
async function timed(work) {
  const start = performance.now();
  return [await work(), performance.now() - start];
}

/**
 * @template T
 * @param {Gaze} gaze closed afterwards
 * @param {() => Promise<T>} work
 */
async function closing(gaze, work) {
  try {
    return await work();
  } finally {
    gaze.close();
  }
}
