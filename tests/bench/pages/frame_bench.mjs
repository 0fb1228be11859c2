/**
 * Measures frames with AutoGaze, case after case, each in a worker of its own. The query says which:
 * `backends=webgpu,wasm`, `budgets=16,full`, `contexts=first,full`, `width`, `height`, `frames`, `warm`.
 * When all are measured `window.done` is true and `window.result` has the medians.
 */

const query = new URLSearchParams(location.search);
const list = (name, otherwise) => (query.get(name) ?? otherwise).split(",");
const number = (name, otherwise) => Number(query.get(name) ?? otherwise);

window.logs = [];
window.result = [];

function log(line) {
  window.logs.push(line);
  document.getElementById("log").textContent += `${line}\n`;
}

/** One case in a new worker: its medians, or what went wrong. */
function measure(wanted) {
  const worker = new Worker(new URL("frame_bench_worker.mjs", import.meta.url), { type: "module" });
  return new Promise((resolve) => {
    // Its first message says that it listens.
    worker.onmessage = ({ data }) => (data === "ready" ? worker.postMessage(wanted) : resolve(data));
    worker.onerror = (event) => resolve({ ...wanted, error: event.message || "the worker did not start" });
  }).finally(() => worker.terminate());
}

for (const backend of list("backends", "webgpu,wasm")) {
  for (const budget of list("budgets", "16,full")) {
    for (const context of list("contexts", "first,full")) {
      const wanted = {
        ...{ backend, budget, context },
        ...{ width: number("width", 640), height: number("height", 360) },
        ...{ frames: number("frames", 60), warm: number("warm", 5) },
      };
      const result = await measure(wanted);
      window.result.push(result);
      const { error, stages } = result;
      log(`${backend}, ${budget} tokens, ${context} context: ${error ?? JSON.stringify(stages)}`);
    }
  }
}
window.done = true;
