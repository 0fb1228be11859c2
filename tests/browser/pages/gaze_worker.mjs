/**
 * The model in a worker, for tests: loads a checkpoint and runs Python that is handed to it.
 * The test serves this file beside the site and answers the addresses in its messages.
 */

const site = new URL("../", import.meta.url).href;
const { startPython } = await import(`${site}wasm_bridge/python/python_host.mjs`);
const { EncoderFiles } = await import(`${site}wasm_bridge/files/encoder_files.mjs`);
const { LoadedEncoder } = await import(`${site}wasm_bridge/model/loaded_encoder.mjs`);
const { LoadedModel } = await import(`${site}wasm_bridge/model/loaded_model.mjs`);

const read = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
};

let pyodide;
let model;
let encoder;

const commands = {
  async start() {
    pyodide = await startPython(site, () => {});
  },
  async load({ folder, ...options }) {
    const files = {
      config: await (await read(`${folder}/config.json`)).text(),
      preprocessor: await (await read(`${folder}/preprocessor_config.json`)).text(),
      weights: [{ bytes: new Uint8Array(await (await read(`${folder}/model.safetensors`)).arrayBuffer()) }],
    };
    model = await LoadedModel.load(pyodide, files, { siteUrl: site, ...options });
    return { backend: model.backend.description, graphs: JSON.parse(model.graphs).map(({ file }) => file) };
  },
  /** Runs an async Python function `main(model, graphs, bridge, data)`, given its source and .npz-like data. */
  async run({ source, data }) {
    const bytes = data ? new Uint8Array(await (await read(data)).arrayBuffer()) : new Uint8Array();
    const scope = pyodide.toPy({});
    await pyodide.runPythonAsync(source, { globals: scope });
    model.runner.restart();
    const result = await scope.get("main")(model.python, model.graphs, model.bridge, pyodide.toPy(bytes));
    return { result: JSON.parse(result), counters: { ...model.runner.counters } };
  },
  /** Loads an encoder instead of the one before. */
  async loadEncoder({ folder, ...options }) {
    await encoder?.close();
    const urls = {
      config: `${folder}/config.json`,
      preprocessor: `${folder}/preprocessor_config.json`,
      weights: `${folder}/model.safetensors`,
    };
    const { signal } = new AbortController();
    const files = await EncoderFiles.open({ urls }, { store: null, signal, onProgress: () => {} });
    encoder = await LoadedEncoder.load(pyodide, files, { siteUrl: site, ...options });
    return { backend: encoder.backend.description, notes: encoder.notes };
  },
  /** As `run`, of `main(encoder, bridge, data)`. */
  async encode({ source, data }) {
    const bytes = new Uint8Array(await (await read(data)).arrayBuffer());
    const scope = pyodide.toPy({});
    await pyodide.runPythonAsync(source, { globals: scope });
    const result = await scope.get("main")(encoder.python, encoder.bridge, pyodide.toPy(bytes));
    return { result: JSON.parse(result), counters: { ...encoder.runner.counters } };
  },
  /** Runs Python and answers the string that its last line is. */
  async python({ source }) {
    return pyodide.runPythonAsync(source, { globals: pyodide.toPy({}) });
  },
  async close() {
    await model.close();
  },
};

addEventListener("message", async ({ data: { id, command, options } }) => {
  try {
    postMessage({ id, value: await commands[command](options) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
});
postMessage({ id: 0 });
