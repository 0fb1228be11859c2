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
  /** @type {unknown[][]} */
  let heard;

  beforeEach(async () => {
    /** @type {any} */ (globalThis).Worker = FakeWorker;
    const canvas = /** @type {any} */ ({ transferControlToOffscreen: () => ({}) });
    view = new LiveView({ input: canvas, mask: canvas, output: canvas }, "https://page.example/");
    heard = [];
    view.on("model-progress", ({ step, loaded, total }) => heard.push(["progress", step, loaded, total]));
    view.on("model-ready", ({ backend, superseded }) => heard.push(["ready", backend, superseded]));
    view.on("model-error", ({ message }) => heard.push(["error", message]));
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
      ["ready", "old", true],
      ["progress", "new", 1, 2],
      ["ready", "new", false],
    ]);
  });
});
