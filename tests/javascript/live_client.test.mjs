import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { LiveView } from "../../wasm_bridge/live/live_client.mjs";

/** In place of the browser's: remembers what it is sent, and sends what the test has it send. */
class FakeWorker {
  /** @type {any[]} */
  messages = [];
  /** @type {(event: { data: any }) => void} */
  onmessage = () => {};

  constructor() {
    worker = this;
  }

  /** @param {any} message */
  postMessage(message) {
    this.messages.push(message);
  }

  /** @param {any} message */
  answer(message) {
    this.onmessage({ data: message });
  }

  addEventListener() {}
  terminate() {}
}

/** @type {FakeWorker} */
let worker;

describe("LiveView", () => {
  /** @type {LiveView} */
  let view;
  /** @type {[string, any][]} */
  let heard;

  beforeEach(async () => {
    /** @type {any} */ (globalThis).Worker = FakeWorker;
    const canvas = /** @type {any} */ ({ transferControlToOffscreen: () => ({}) });
    view = new LiveView({ input: canvas, mask: canvas, output: canvas }, "https://page.example/");
    heard = [];
    for (const name of /** @type {const} */ (["frame", "model-progress", "model-ready", "model-error"]))
      view.on(name, (/** @type {any} */ detail) => heard.push([name, detail]));
    worker.answer({ type: "ready" });
    await view.ready;
  });

  test("what becomes of a model that was replaced is not taken for the next one's", async () => {
    for (const weightsUrl of ["first", "second"])
      view.loadModel({ weightsUrl, files: [], backend: "wasm", maxTokens: 16 });
    await Promise.resolve();
    const [first, second] = worker.messages
      .filter(({ type }) => type === "model-load")
      .map(({ load }) => load);
    worker.answer({ type: "model-progress", load: first, step: "old", loaded: 1, total: 2 });
    worker.answer({ type: "model-fault", load: first, message: "no such file" });
    worker.answer({ type: "model-ready", load: first, backend: "old" });
    worker.answer({ type: "model-progress", load: second, step: "new", loaded: 1, total: 2 });
    worker.answer({ type: "model-ready", load: second, backend: "new" });
    assert.deepEqual(heard, [
      ["model-ready", { backend: "old", superseded: true }],
      ["model-progress", { step: "new", loaded: 1, total: 2 }],
      ["model-ready", { backend: "new", superseded: false }],
    ]);
  });
});
