import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { LiveView } from "../../wasm_bridge/live/live_client.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const FRAME = /** @type {const} */ ({ synthetic: "synthetic-pan", index: 0, width: 8, height: 8 });

describe("LiveView", () => {
  /** @type {FakeWorker} */
  let worker;
  /** @type {LiveView} */
  let view;
  /** @type {unknown[][]} */
  let heard;

  beforeEach(async () => {
    installFakeWorkers();
    const canvas = /** @type {any} */ ({ transferControlToOffscreen: () => ({}) });
    view = new LiveView({ input: canvas, mask: canvas, output: canvas }, "https://page.example/");
    worker = FakeWorker.newest();
    heard = [];
    view.on("model-progress", ({ step, loaded, total }) => heard.push(["progress", step, loaded, total]));
    view.on("model-ready", ({ backend, superseded }) => heard.push(["ready", backend, superseded]));
    view.on("model-error", ({ message }) => heard.push(["error", message]));
    view.on("frame", ({ index }) => heard.push(["frame", index]));
    view.on("frame-error", ({ message }) => heard.push(["frame-error", message]));
    worker.send({ id: worker.ids("start")[0] });
    await view.ready;
  });

  test("what becomes of a superseded load is not taken for the next one's", async () => {
    for (const weightsUrl of ["first", "second", "third"])
      view.loadModel(/** @type {any} */ ({ weightsUrl }));
    const [first, second, third] = worker.ids("loadModel");
    worker.send({ id: first, progress: ["old", 1, 2] });
    worker.send({ id: first, error: "no such file" });
    worker.send({ id: second, value: { backend: "old", notes: [] } });
    await settled();
    worker.send({ id: third, progress: ["new", 1, 2] });
    worker.send({ id: third, value: { backend: "new", notes: [] } });
    await settled();
    assert.deepEqual(heard, [
      ["ready", "old", true],
      ["progress", "new", 1, 2],
      ["ready", "new", false],
    ]);
  });

  test("frames of an old stream are not reported", async () => {
    view.newStream();
    for (let i = 0; i < 2; i++) view.send(FRAME);
    view.newStream();
    for (let i = 0; i < 2; i++) view.send(FRAME);
    const [a, b, c, d] = worker.ids("frame");
    worker.send({ id: a, value: { index: 5 } });
    worker.send({ id: b, error: "too large" });
    worker.send({ id: c, value: { index: 0 } });
    worker.send({ id: d, error: "too small" });
    await settled();
    assert.deepEqual(heard, [
      ["frame", 0],
      ["frame-error", "too small"],
    ]);
  });

  test("pending calls fail with the worker", async () => {
    const message = "This live view was closed.";
    const pending = [view.ping(), view.modules()].map((call) => assert.rejects(call, { message }));
    view.send(FRAME);
    view.close();
    await Promise.all(pending);
    await assert.rejects(view.ping(), { message });
    assert.deepEqual(heard, []);
    assert(worker.terminated);
  });

  test("a load uses its route, and its failure and its notes are reported", async () => {
    view.on("model-note", ({ message }) => heard.push(["note", message]));
    const route = { origins: ["https://models.example"], port: new MessageChannel().port1 };
    view.loadModel({}, route);
    const { message, transfer } = worker.posted.at(-1) ?? {};
    assert.deepEqual([message.args, transfer], [{ request: {}, route }, [route.port]]);
    worker.send({ id: message.id, error: "no such model" });
    await settled();
    view.loadModel();
    assert.deepEqual(worker.posted.at(-1)?.transfer, []);
    worker.send({ id: worker.ids("loadModel")[1], value: { backend: "wasm", notes: ["on WebAssembly"] } });
    await settled();
    assert.deepEqual(heard, [
      ["error", "no such model"],
      ["ready", "wasm", false],
      ["note", "on WebAssembly"],
    ]);
  });

  test("an encoder is started, reports its load, and says if it fails; it is stopped", async () => {
    view.on("encoder-progress", ({ loaded, total }) => heard.push(["progress", loaded, total]));
    view.on("encoder-failed", ({ message }) => heard.push(["failed", message]));
    view.startEncoder({ full: true });
    const id = worker.ids("startEncoder")[0];
    assert.deepEqual(worker.posted.at(-1)?.message.args, { full: true, backend: undefined });
    worker.send({ id, progress: ["Loading the encoder", 0, 7] });
    worker.send({ id, error: "A part of the page is missing." });
    await settled();
    view.startEncoder();
    assert.equal(worker.posted.at(-1)?.message.args.full, false);
    view.stopEncoder();
    assert.equal(worker.ids("stopEncoder").length, 1);
    assert.deepEqual(heard, [
      ["progress", 0, 7],
      ["failed", "A part of the page is missing."],
    ]);
  });

  test("a restart begins with the options of before, and the old worker is heard no more", async () => {
    const values = /** @type {any} */ ({ "patch-diff-grid": 7 });
    view.setOptions(values);
    view.send(/** @type {any} */ ({ image: "a picture" }));
    assert.deepEqual(worker.posted.at(-1)?.transfer, ["a picture"]);
    view.loadModel();
    const canvas = /** @type {any} */ ({ transferControlToOffscreen: () => ({}) });
    view.restart({ input: canvas, mask: canvas, output: canvas });
    await settled();
    assert(worker.terminated);
    assert.deepEqual(heard, []);
    const fresh = FakeWorker.newest();
    assert.deepEqual(
      fresh.posted.map(({ message: { name } }) => name),
      ["start", "setOptions"],
    );
    const failed = assert.rejects(view.ready, { message: "numpy is missing" });
    fresh.send({ id: fresh.ids("start")[0], error: "numpy is missing" });
    await failed;
    assert(fresh.terminated);
  });

  test("what the worker emits by itself is passed on, unless it is about an old stream", async () => {
    view.on("redraw", (report) => heard.push(["redraw", report.index]));
    view.on("encoder-frame", (frame) => heard.push(["encoded", frame.index]));
    view.on("model-lost", ({ message }) => heard.push(["lost", message]));
    view.newStream();
    const { stream } = worker.posted.at(-1)?.message.args ?? {};
    worker.send({ event: "redraw", detail: { stream: stream - 1, report: { index: 1 } } });
    worker.send({ event: "redraw", detail: { stream, report: { index: 2 } } });
    worker.send({ event: "encoder-frame", detail: { stream: stream - 1, frame: { index: 3 } } });
    worker.send({ event: "encoder-frame", detail: { stream, frame: { index: 4 } } });
    worker.send({ event: "model-lost", detail: { message: "The GPU was lost." } });
    worker.send({ event: "model-ready", detail: { backend: "wasm", notes: [] } });
    assert.deepEqual(heard, [
      ["redraw", 2],
      ["encoded", 4],
      ["lost", "The GPU was lost."],
      ["ready", "wasm", false],
    ]);
  });

  test("a file of the gaze is the worker's", async () => {
    const asked = view.gazeFile({ frames: 3 });
    const call = worker.posted.findLast(({ message }) => message.name === "gazeFile");
    assert.deepEqual(call?.message.args, { request: { frames: 3 } });
    const bytes = new Uint8Array([1, 2]);
    worker.send({ id: worker.ids("gazeFile")[0], value: bytes });
    assert.equal(await asked, bytes);
  });
});
