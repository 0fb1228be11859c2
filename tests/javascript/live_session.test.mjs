import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, {
  OffscreenCanvas: class {
    getContext() {
      return {};
    }
  },
});
const { LiveSession } = await import("../../wasm_bridge/live/live_session.mjs");

// Node has no WebGPU, as some browsers.
const SENTENCE = "This browser has no WebGPU, so the processor does the pixel work.";

test("each time the graphics card is asked for anew, and only then, it is said that there is none", async () => {
  /** @type {string[]} */
  const said = [];
  /** @type {any} */
  const session = {
    wants_gpu: false,
    configure(/** @type {string} */ options) {
      const { pixels } = JSON.parse(options);
      if (pixels === "wrong") throw new Error("pixels is auto, cpu or gpu");
      session.wants_gpu = pixels === "gpu";
    },
    restart() {},
    draw_synthetic() {},
    process() {
      throw new Error("the frame itself is not tested");
    },
  };
  const pyodide = { pyimport: () => ({ PageSession: () => session }) };
  const canvas = new OffscreenCanvas(1, 1);
  const emit = (/** @type {string} */ event, /** @type {any} */ { message }) => {
    if (event === "pixels-note") said.push(message);
    else if (event === "options-error") said.push("refused");
  };
  const canvases = { input: canvas, mask: canvas, output: canvas };
  const { handlers } = new LiveSession(pyodide, canvases, "https://page.example/", /** @type {any} */ (emit));
  const context = /** @type {any} */ ({});
  const frame = /** @type {const} */ ({ synthetic: "synthetic-pan", index: 0, width: 8, height: 8 });
  /** @param {Record<string, any>} values */
  async function sayings(values) {
    /** @type {any} */ (handlers.setOptions)({ values }, context);
    for (let i = 0; i < 2; i++)
      await assert.rejects(
        Promise.resolve(/** @type {any} */ (handlers.frame)({ stream: 0, frame }, context)),
        /the frame itself/,
      );
    return said.splice(0);
  }
  assert.deepEqual(await sayings({ pixels: "cpu" }), []);
  assert.deepEqual(await sayings({ pixels: "gpu" }), [SENTENCE]);
  assert.deepEqual(await sayings({ pixels: "gpu", "blend-alpha": 0.5 }), []);
  assert.deepEqual(await sayings({ pixels: "wrong" }), ["refused"]);
  assert.deepEqual(await sayings({ pixels: "gpu" }), []);
  assert.deepEqual(await sayings({ pixels: "auto" }), []);
  assert.deepEqual(await sayings({ pixels: "gpu" }), [SENTENCE]);
});
