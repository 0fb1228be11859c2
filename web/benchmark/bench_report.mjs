/**
 * The results of a benchmark: medians, the text to copy, and the figures of docs/perf to compare with.
 * @module
 */

import { percentile } from "./perf_summary.mjs";

/**
 * Milliseconds: the median and the 90th percentile; null if nothing was measured.
 * @typedef {{ p50: number | null, p90: number | null }} Spread
 *
 * @typedef {object} BudgetResult
 * @property {number} frames that were measured
 * @property {number} tokens of a frame, on average; cells without a model
 * @property {Spread} model that choosing took; null without a model
 * @property {Spread} frame from handing a frame over to its panels
 * @property {number | null} tokensPerSecond that the model chose while it was at work
 * @property {Record<string, Spread>} stages in Python, by name
 *
 * @typedef {{ backend: string, coldMs: number, warmMs: number, budgets: BudgetResult[] }} BackendResult
 *
 * @typedef {object} BenchResult
 * @property {{ browser: string, system: string, cores: number, gpu: string, isolated: boolean }} machine
 * @property {string} model
 * @property {string} frame its size
 * @property {number} pythonMs from nothing to Python in a worker
 * @property {BudgetResult} changed patch-diff
 * @property {BackendResult[]} backends
 * @property {number | null} memoryBytes of the page and its workers; null if the browser does not say
 */

/**
 * Figures of docs/perf that were measured in the same way as far as possible: the moving pattern "synthetic-pan" at
 * 640x360 with the built-in model. A test compares them with the files.
 */
export const REFERENCES = [
  {
    name: "2 CPU cores",
    file: "perf-matrix.json",
    backend: "WebAssembly",
    changed: 17.4,
    model: 129.7,
  },
  {
    name: "NVIDIA H100",
    file: "h100/perf-matrix.json",
    backend: "WebGPU",
    changed: 27.5,
    model: 6.3,
  },
];

/** @param {number[]} values @returns {Spread} */
function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9) };
}

/**
 * @param {{ result: { cells: number, gazeMs?: number, stageMs: Record<string, number> }, totalMs: number }[]} samples
 * @returns {BudgetResult}
 */
export function framesResult(samples) {
  const gazes = samples.flatMap(({ result }) => (result.gazeMs === undefined ? [] : [result.gazeMs]));
  const tokens = samples.reduce((sum, { result }) => sum + result.cells, 0);
  const spent = gazes.reduce((sum, each) => sum + each, 0);
  const names = Object.keys(samples[0]?.result.stageMs ?? {});
  return {
    frames: samples.length,
    tokens: samples.length > 0 ? tokens / samples.length : 0,
    model: spread(gazes),
    frame: spread(samples.map(({ totalMs }) => totalMs)),
    tokensPerSecond: spent > 0 ? (1000 * tokens) / spent : null,
    stages: Object.fromEntries(
      names.map((name) => [name, spread(samples.map(({ result }) => result.stageMs[name] ?? 0))]),
    ),
  };
}

/**
 * The memory of the page, if the browser says: only isolated pages in Chromium learn it, some after a minute.
 * @param {any} scope
 * @param {number} [limitMs] how long to wait
 * @returns {Promise<number | null>}
 */
export async function memoryOf(scope, limitMs = 3000) {
  if (!scope.crossOriginIsolated || !scope.performance.measureUserAgentSpecificMemory) return null;
  const tooLate = new Promise((resolve) => setTimeout(resolve, limitMs, null));
  try {
    return (await Promise.race([scope.performance.measureUserAgentSpecificMemory(), tooLate]))?.bytes ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {{ model?: string, config?: unknown }} model as of `AutoGaze.create`
 * @returns {string} its name for people
 */
export function modelName({ model = "built-in", config }) {
  if (config === undefined) return model;
  if (config instanceof File) return config.name;
  // The folder, or the repository of a Hugging Face address.
  const parts = String(config)
    .replace(/\/resolve\/.*/, "")
    .replace(/\/config\.json$/, "")
    .split("/");
  return parts.slice(String(config).startsWith("https://huggingface.co/") ? -2 : -1).join("/");
}

/** @typedef {{ name: string, values: string[] }} BenchRow */

/**
 * The table: a row for each number; the columns are this machine and `REFERENCES`.
 * @param {BenchResult} result
 * @returns {BenchRow[]}
 */
export function rowsOf({ pythonMs, changed, backends, memoryBytes }) {
  const none = REFERENCES.map(() => "");
  const rows = [
    { name: "Python starts", values: [secondsText(pythonMs), ...none] },
    {
      name: "Changed pixels, whole frame",
      values: [spreadText(changed.frame), ...REFERENCES.map((each) => `${each.changed} ms`)],
    },
  ];
  for (const { backend, coldMs, warmMs, budgets } of backends) {
    // Only the smaller budget was measured elsewhere.
    const figures = (/** @type {number} */ budget) =>
      REFERENCES.map((each) => (budget === 0 && backend.startsWith(each.backend) ? `${each.model} ms` : ""));
    rows.push({ name: `${backend}: starts, with Python`, values: [secondsText(coldMs), ...none] });
    rows.push({ name: `${backend}: model starts again`, values: [secondsText(warmMs), ...none] });
    budgets.forEach(({ tokens, model, frame, tokensPerSecond }, budget) => {
      const title = `${backend}, ${Math.round(tokens)} tokens`;
      rows.push({ name: `${title}: model`, values: [spreadText(model), ...figures(budget)] });
      rows.push({ name: `${title}: whole frame`, values: [spreadText(frame), ...none] });
      const speed = tokensPerSecond === null ? "–" : String(Math.round(tokensPerSecond));
      rows.push({ name: `${title}: tokens a second`, values: [speed, ...none] });
    });
  }
  const memory =
    memoryBytes === null ? "not reported by this browser" : `${Math.round(memoryBytes / 1e6)} MB`;
  rows.push({ name: "Memory of the page", values: [memory, ...none] });
  return rows;
}

/**
 * @param {BenchResult} result
 * @returns {string} the machine in a line
 */
export function machineText({ machine, model, frame }) {
  const { browser, system, cores, gpu, isolated } = machine;
  const facts = [browser, system, `${cores} cores`, gpu || "no GPU", isolated ? "threads" : "one thread"];
  return `${facts.filter(Boolean).join(", ")}; model ${model}, frames of ${frame}`;
}

/**
 * @param {BenchResult} result
 * @returns {string} lines to copy
 */
export function reportText(result) {
  const lines = [`AutoGaze benchmark: ${machineText(result)}`, "Median (90th percentile)"];
  for (const { name, values } of rowsOf(result)) lines.push(`${name}: ${values[0]}`);
  const stages = [
    ["changed pixels", result.changed],
    ...result.backends.map((each) => [each.backend, each.budgets[0]]),
  ];
  for (const [name, budget] of /** @type {[string, BudgetResult][]} */ (stages)) {
    const parts = Object.entries(budget.stages).map(([stage, each]) => `${stage} ${spreadText(each)}`);
    lines.push(`Stages, ${name}: ${parts.join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** @param {Spread} spread */
function spreadText({ p50, p90 }) {
  return p50 === null || p90 === null ? "–" : `${p50.toFixed(1)} ms (${p90.toFixed(1)})`;
}

/** @param {number} milliseconds */
function secondsText(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
