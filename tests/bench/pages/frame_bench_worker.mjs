/** Measures one case and posts it with the medians of its stages in milliseconds. */

const site = new URL("../", import.meta.url).href;
const { startPython } = await import(`${site}wasm_bridge/python/python_host.mjs`);
const { LoadedModel } = await import(`${site}wasm_bridge/model/loaded_model.mjs`);
const { PanelCanvas } = await import(`${site}wasm_bridge/panels/panel_canvas.mjs`);
const { withMemory } = await import(`${site}wasm_bridge/python/python_memory.mjs`);

const SOURCES = 8;

const read = async (name) => {
  const response = await fetch(new URL(`checkpoint/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Frames as a camera provides them: ImageBitmaps whose pixels have not been read. */
async function images(session, width, height) {
  const made = [];
  for (let index = 0; index < SOURCES; index++) {
    session.draw_synthetic("synthetic-pan", index, height, width);
    const canvas = new PanelCanvas(new OffscreenCanvas(width, height));
    withMemory(session.frame_memory(height, width), (memory) => canvas.putPixels(memory, width, height));
    made.push(await createImageBitmap(canvas.canvas));
  }
  return made;
}

async function measure({ backend, budget, context, width, height, frames, warm }) {
  const pyodide = await startPython(site, () => {});
  const session = pyodide.pyimport("autogaze_web.page.live_session").PageSession();
  const options = { "mask-timing": "own", "task-loss-requirement": "off", backend };
  session.configure(JSON.stringify(options));
  const maxTokens = budget === "full" ? undefined : Number(budget);
  const files = {
    config: await (await read("config.json")).text(),
    preprocessor: await (await read("preprocessor_config.json")).text(),
    weights: [
      {
        name: "model.safetensors",
        bytes: new Uint8Array(await (await read("model.safetensors")).arrayBuffer()),
      },
    ],
  };
  const graphsUrl = `${site}graphs/`;
  const loading = performance.now();
  const model = await LoadedModel.load(pyodide, files, {
    ...{ siteUrl: site, graphsUrl, backend, maxTokens: maxTokens ?? null },
  });
  const loaded = performance.now() - loading;

  let began = 0;
  let ended = 0;
  const { runner } = model;
  const execute = runner.execute.bind(runner);
  runner.execute = async (run) => {
    began ||= performance.now();
    const decisions = await execute(run);
    ended = performance.now();
    return decisions;
  };
  const start = () => {
    session.set_model(model.python, model.graphs, model.bridge, maxTokens, () => {});
    session.configure(JSON.stringify(options));
  };
  start();

  const canvases = Object.fromEntries(
    ["input", "mask", "output"].map((name) => [
      name,
      new PanelCanvas(new OffscreenCanvas(1, 1), { readable: name === "input" }),
    ]),
  );
  const sources = await images(session, width, height);
  session.restart();
  const window = 16;
  const unmeasured = context === "full" ? window + warm : warm;
  const samples = [];
  for (let index = 0; index < unmeasured + frames; index++) {
    if (context === "first") session.restart();
    const t0 = performance.now();
    const pixels = canvases.input.drawImage(sources[index % SOURCES], width, height);
    withMemory(session.frame_memory(height, width), (memory) => memory.set(pixels));
    const t1 = performance.now();
    began = 0;
    const report = JSON.parse(await session.process_with_model());
    const t2 = performance.now();
    for (const name of ["mask", "output"]) {
      const parts = report[`${name}_parts`];
      withMemory(session[`${name}_memory`](), (memory) =>
        canvases[name].putPixels(memory, width, height, parts),
      );
    }
    const t3 = performance.now();
    if (index < unmeasured) continue;
    const masking = Object.values(report.stage_ms).reduce((sum, each) => sum + each, 0);
    samples.push({
      capture: t1 - t0,
      preprocess: began - t1,
      model: ended - began,
      decode: report.gaze_ms - (ended - t1),
      "pixels to mask": report.gaze_ms,
      accumulate: masking,
      draw: t3 - t2,
      all: t3 - t0,
    });
  }
  const stages = Object.fromEntries(
    Object.keys(samples[0]).map((name) => [
      name,
      Number(median(samples.map((each) => each[name])).toFixed(2)),
    ]),
  );
  const { runs, readBacks } = runner.counters;
  const poked = runner.poker?.measured;
  return { runner: model.backend.description, load: Math.round(loaded), runs, readBacks, poked, stages };
}

addEventListener("message", async ({ data }) => {
  try {
    postMessage({ ...data, ...(await measure(data)) });
  } catch (error) {
    postMessage({ ...data, error: error.message });
  }
});
postMessage("ready");
