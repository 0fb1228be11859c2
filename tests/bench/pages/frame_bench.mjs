/**
 * Measures frames with AutoGaze, one case after another, each in its own worker. The query selects the cases:
 * `backends=webgpu,wasm`, `budgets=16,full`, `contexts=first,full`, `width`, `height`, `frames`, `warm`.
 * When all cases are measured, `window.done` is true and `window.result` contains the medians.
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

/** Measures one case in a new worker; resolves with its medians or an error. */
function measure(wanted) {
  const worker = new Worker(new URL("frame_bench_worker.mjs", import.meta.url), { type: "module" });
  return new Promise((resolve) => {
    // The first message reports that the worker is ready.
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
