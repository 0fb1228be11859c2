import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { LiveView } from "../../wasm_bridge/live/live_client.mjs";

/** Takes the place of the browser's Worker: stores the calls, whose answers come from the test. */
class FakeWorker {
  /** @type {any[]} */
  calls = [];
  /** @type {(event: { data: any }) => void} */
  onmessage = () => {};

  constructor() {
    worker = this;
  }

  /** @param {any} message */
  postMessage(message) {
    this.calls.push(message);
  }

  /** @param {any} message */
  answer(message) {
    this.onmessage({ data: message });
  }

  /**
   * The numbers of the calls of a function, in order.
   * @param {string} name
   */
  ids(name) {
    return this.calls.filter((call) => call.name === name).map(({ id }) => id);
  }

  addEventListener() {}
  terminate() {}
}

const FRAME = { synthetic: "synthetic-pan", index: 0, width: 8, height: 8 };

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
    view.on("frame", ({ index }) => heard.push(["frame", index]));
    view.on("frame-error", ({ message }) => heard.push(["frame-error", message]));
    worker.answer({ id: worker.ids("start")[0] });
    await view.ready;
  });

  test("a superseded load's outcome is not taken for the next one's", async () => {
    for (const weightsUrl of ["first", "second", "third"]) view.loadModel({ weightsUrl });
    const [first, second, third] = worker.ids("loadModel");
    worker.answer({ id: first, progress: ["old", 1, 2] });
    worker.answer({ id: first, error: "no such file" });
    worker.answer({ id: second, value: { backend: "old", notes: [] } });
    await settled();
    worker.answer({ id: third, progress: ["new", 1, 2] });
    worker.answer({ id: third, value: { backend: "new", notes: [] } });
    await settled();
    assert.deepEqual(heard, [
      ["ready", "old", true],
      ["progress", "new", 1, 2],
      ["ready", "new", false],
    ]);
  });

  test("frames of an old stream are not reported", async () => {
    for (let stream = 0; stream < 2; stream++) {
      view.newStream();
      for (let frame = 0; frame < 2; frame++) view.send(FRAME);
    }
    const [a, b, c, d] = worker.ids("frame");
    worker.answer({ id: a, value: { index: 5 } });
    worker.answer({ id: b, error: "too large" });
    worker.answer({ id: c, value: { index: 0 } });
    worker.answer({ id: d, error: "too small" });
    await settled();
    assert.deepEqual(heard, [
      ["frame", 0],
      ["frame-error", "too small"],
    ]);
  });

  test("pending and later calls fail once the view is closed", async () => {
    const closed = { message: "This live view was closed." };
    const pending = [view.ping(), view.modules()];
    view.send(FRAME);
    view.close();
    for (const call of [...pending, view.ping()]) await assert.rejects(call, closed);
    assert.deepEqual(heard, []);
  });
});
