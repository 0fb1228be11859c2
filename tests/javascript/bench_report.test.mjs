import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  framesResult,
  machineText,
  memoryOf,
  modelName,
  REFERENCES,
  reportText,
  rowsOf,
} from "../../web/benchmark/bench_report.mjs";

const sample = (/** @type {number} */ gazeMs) => ({
  result: { cells: 16, gazeMs, stageMs: { plan: gazeMs / 10 } },
  totalMs: gazeMs + 2,
});
const model = framesResult([30, 10, 20, 40].map(sample));
const changed = framesResult([{ result: { cells: 5, stageMs: { plan: 1 } }, totalMs: 4 }]);
const RESULT = {
  machine: { browser: "Chromium 156", system: "Linux", cores: 2, gpu: "", isolated: true },
  ...{ model: "built-in", frame: "640×360", pythonMs: 1234, changed, memoryBytes: null },
  backends: [
    {
      backend: "WebAssembly, 2 threads",
      coldMs: 2500,
      warmMs: 300,
      budgets: [model, { ...model, tokens: 198 }],
    },
  ],
};

test("frames come to medians, percentiles and tokens a second", () => {
  assert.deepEqual(model.model, { p50: 30, p90: 40 });
  assert.deepEqual(model.frame, { p50: 32, p90: 42 });
  assert.deepEqual(model.stages, { plan: { p50: 3, p90: 4 } });
  assert.equal(model.tokensPerSecond, 640);
  assert.deepEqual([changed.model, changed.tokensPerSecond], [{ p50: null, p90: null }, null]);
  assert.equal(framesResult([]).frames, 0);
});

test("the table has this machine beside those of docs/perf, only where they measured the same", () => {
  const rows = Object.fromEntries(rowsOf(RESULT).map(({ name, values }) => [name, values]));
  assert.deepEqual(rows["Changed pixels, whole frame"], ["4.0 ms (4.0)", "17.4 ms", "27.5 ms"]);
  assert.deepEqual(rows["WebAssembly, 2 threads, 16 tokens: model"], ["30.0 ms (40.0)", "129.7 ms", ""]);
  assert.deepEqual(rows["WebAssembly, 2 threads, 198 tokens: model"], ["30.0 ms (40.0)", "", ""]);
  assert.deepEqual(rows["WebAssembly, 2 threads: model starts again"], ["0.30 s", "", ""]);
  assert.equal(rows["Memory of the page"]?.[0], "not reported by this browser");
});

test("the text names the machine and every number", () => {
  const text = reportText(RESULT);
  assert.match(
    text,
    /^AutoGaze benchmark: Chromium 156, Linux, 2 cores, no GPU, threads; model built-in, frames of/,
  );
  for (const { name, values } of rowsOf(RESULT)) assert.ok(text.includes(`${name}: ${values[0]}\n`), name);
  assert.match(text, /Stages, WebAssembly, 2 threads: plan 3.0 ms \(4.0\)\n$/);
  assert.match(machineText({ ...RESULT, machine: { ...RESULT.machine, isolated: false } }), /one thread/);
});

test("the figures to compare with are those of docs/perf", async () => {
  for (const { file, backend, ...figures } of REFERENCES) {
    const { cases } = JSON.parse(
      await readFile(new URL(`../../docs/perf/${file}`, import.meta.url), "utf-8"),
    );
    const of = (/** @type {string} */ source) =>
      cases.find((/** @type {any} */ each) => each.case === `synthetic-pan, realtime, ${source}`);
    const gaze = of("autogaze");
    assert.ok(gaze.backend.startsWith(backend));
    const rounded = (/** @type {number} */ value) => Math.round(value * 10) / 10;
    assert.equal(figures.changed, rounded(of("patch-diff").p50_total_ms));
    assert.equal(figures.model, rounded(gaze.p50_model_ms));
  }
});

test("a model has a name that people know", () => {
  assert.equal(modelName({}), "built-in");
  assert.equal(modelName({ config: "./built-in/config.json" }), "built-in");
  assert.equal(
    modelName({ config: "https://huggingface.co/nvidia/AutoGaze/resolve/main/config.json" }),
    "nvidia/AutoGaze",
  );
  assert.equal(modelName({ config: new File([], "config (1).json") }), "config (1).json");
});

test("memory is known only where the browser says it", async () => {
  const performance = { measureUserAgentSpecificMemory: async () => ({ bytes: 5e8 }) };
  assert.equal(await memoryOf({ crossOriginIsolated: true, performance }), 5e8);
  assert.equal(await memoryOf({ crossOriginIsolated: false, performance }), null);
  assert.equal(await memoryOf({ crossOriginIsolated: true, performance: {} }), null);
  const never = { measureUserAgentSpecificMemory: () => new Promise(() => {}) };
  assert.equal(await memoryOf({ crossOriginIsolated: true, performance: never }, 1), null);
  const refused = { measureUserAgentSpecificMemory: async () => Promise.reject(new Error("no")) };
  assert.equal(await memoryOf({ crossOriginIsolated: true, performance: refused }), null);
});
