/**
 * Opens the site once for each case in `work.json` and collects the summaries; then runs the page's own benchmark, if it
 * is wanted. In the query, `work=NAME` stands for `work-NAME.json`, and `only=TEXT` for the cases whose names contain the
 * text. When all cases are measured, `window.done` is true and `window.result` contains the machine and a row for each
 * case: its summary, or `error` with the notice that the page showed instead.
 */

const { machine, runBenchmark } = await import("../web/benchmark/machine_bench.mjs");

const POLL_MS = 100;

window.logs = [];

/** The notice with which the site ends a measurement, if any. Without the graphics card's pixel work it goes on. */
function endOf({ document, __autogazePixelsNote: pixelsNote }) {
  const notice = document.getElementById("notice");
  if (!notice || notice.hidden) return null;
  const text = document.getElementById("notice-text").textContent;
  return text === pixelsNote ? null : text;
}

/** Measures one case in an iframe of its own. */
async function measure({ name, query, limit }) {
  const frame = document.createElement("iframe");
  frame.src = `../?${query}`;
  document.body.append(frame);
  const end = performance.now() + limit * 1000;
  try {
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const summary = frame.contentWindow.__autogazePerfSummary;
      if (summary) return { case: name, ...summary };
      const error = endOf(frame.contentWindow);
      if (error) return { case: name, error: `the page says: ${error}` };
    }
    const { __autogazePerf: newest = null, __autogazeFrameStats: stats } = frame.contentWindow;
    return { case: name, error: `no summary in ${limit} seconds, after ${stats?.count ?? 0} frames`, newest };
  } finally {
    frame.remove();
  }
}

/** The page's own benchmark, `web/benchmark/machine_bench.mjs`, or its error. */
async function benchmark({ benchmark_seconds: seconds, model }) {
  if (seconds === null) return null;
  const files = model && { config: `${model}config.json`, weights: `${model}model.safetensors` };
  try {
    return await runBenchmark({ model: files ?? {}, seconds });
  } catch (error) {
    return { error: error.message };
  }
}

const rows = [];
// From the start: whoever stops waiting has the cases up to then.
window.result = { machine: await machine(), rows, benchmark: null };
const query = new URLSearchParams(location.search);
const name = query.get("work");
const work = await (await fetch(name ? `work-${name}.json` : "work.json")).json();
for (const wanted of work.cases.filter(({ name }) => name.includes(query.get("only") ?? ""))) {
  const row = await measure(wanted).catch((error) => ({ case: wanted.name, error: error.message }));
  rows.push(row);
  window.logs.push(`${row.case}: ${row.error ?? `${row.p50_total_ms.toFixed(1)} ms per frame`}`);
  // biome-ignore lint/suspicious/noConsole: whoever opens the page by hand follows it there
  console.log(window.logs.at(-1));
}
window.result.benchmark = await benchmark(work);
window.done = true;
