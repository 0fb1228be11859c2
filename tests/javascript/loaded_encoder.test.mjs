import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoadedEncoder } from "../../wasm_bridge/model/loaded_encoder.mjs";

/** @param {object} runner */
function loadedWith(runner) {
  const python = { description: () => '{"hidden": 3}', destroy() {} };
  const started = { backend: { description: "WebGPU" }, graphs: "", notes: ["later"], runner };
  return new LoadedEncoder(python, /** @type {any} */ (started), ["before"]);
}

describe("Python's bridge to an encoder", () => {
  test("a run is unpacked, and its outcome is the runner's own promise, which nothing keeps", async () => {
    /** @type {any[]} */
    const runs = [];
    const outcome = Promise.resolve(new Float32Array(1));
    const encoder = loadedWith({
      get lost() {
        throw new Error("a reaction on a promise that never settles would keep every answer");
      },
      execute(/** @type {any} */ run) {
        runs.push(run);
        return outcome;
      },
    });
    assert.deepEqual([encoder.notes, encoder.description.hidden], [["before", "later"], 3]);
    const bytes = new Uint8ClampedArray(new Float32Array([1, 2]).buffer);
    const packed = { getBuffer: () => ({ data: bytes, release() {} }) };
    const header = {
      graph: "encoder",
      stream: "gazed",
      feeds: [["patches", "float32", 0, 8]],
      shapes: { patches: [1, 2] },
    };
    assert.equal(encoder.bridge.execute(JSON.stringify(header), packed), outcome);
    const feeds = { patches: { data: new Float32Array([1, 2]), shape: [1, 2] } };
    assert.deepEqual(runs, [{ graph: "encoder", stream: "gazed", feeds }]);
  });

  test("a stream is forgotten; a worker that has ended holds nothing", async () => {
    /** @type {string[]} */
    const forgotten = [];
    const { bridge } = loadedWith({
      async forget(/** @type {string} */ stream) {
        forgotten.push(stream);
        throw new Error("The encoder was closed.");
      },
    });
    bridge.forget("all");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(forgotten, ["all"]);
  });
});
