import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { AutoGaze, PatchDiff } from "../../wasm_bridge/autogaze.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const CLOSED = "This AutoGaze was closed: create another one.";
const SETTINGS = { topK: 10, blendAlpha: 0.5 };
const CREATED = { settings: SETTINGS, backend: "WebGPU", version: "1" };
const facts = (/** @type {number} */ index) => ({ index, scales: [], points: {} });

beforeEach(installFakeWorkers);

/** The arguments of the newest call of a name. @param {string} name */
function argsOf(name) {
  return FakeWorker.newest().posted.findLast(({ message }) => message.name === name)?.message.args;
}

/** Answers the newest call of a name. @param {string} name @param {object} answer */
async function answer(name, answer) {
  await settled();
  FakeWorker.newest().send({ id: FakeWorker.newest().ids(name).at(-1), ...answer });
}

/** @param {Parameters<typeof AutoGaze.create>[0]} [options] */
async function create(options) {
  const creating = AutoGaze.create(options);
  await answer("create", { value: CREATED });
  return creating;
}

describe("AutoGaze.create", () => {
  test("asks the worker with the model, the settings and the site, all absolute", async () => {
    const gaze = await create({ siteUrl: "../site/", settings: { topK: 3 }, maxTokens: 7 });
    const { siteUrl, settings, model } = argsOf("create");
    assert.equal(siteUrl, "https://page.example/site/");
    assert.deepEqual(settings, { topK: 3, maxGazeTokensEachFrame: 7 });
    assert.equal(model.backend, "auto");
    assert.deepEqual([gaze.backend, gaze.version, gaze.settings], ["WebGPU", "1", SETTINGS]);
    assert(Object.isFrozen(gaze.settings));
  });

  test("patch-diff needs no model", async () => {
    const creating = PatchDiff.create();
    await answer("create", { value: { ...CREATED, backend: "" } });
    await creating;
    assert.equal(argsOf("create").model, null);
  });

  test("wrong options fail before a worker is started", async () => {
    await assert.rejects(AutoGaze.create({ maskSource: /** @type {any} */ ("magic") }), {
      message: 'maskSource is "autogaze" or "patch-diff", got "magic".',
    });
    await assert.rejects(AutoGaze.create({ signal: AbortSignal.abort(new Error("not today")) }), {
      message: "not today",
    });
    assert.equal(FakeWorker.started.length, 0);
  });

  test("what fails to load ends the worker", async () => {
    const failed = assert.rejects(AutoGaze.create(), { message: "no model" });
    await answer("create", { error: "no model" });
    await failed;
    await settled();
    assert(FakeWorker.newest().terminated);
  });

  test("cancelled while Python loads the worker ends at once, while a model loads once that has ended", async () => {
    for (const [step, drains] of /** @type {[string, boolean][]} */ ([
      ["Loading Python", false],
      ["Loading the model", true],
    ])) {
      const cancel = new AbortController();
      const failed = assert.rejects(AutoGaze.create({ signal: cancel.signal }), { name: "AbortError" });
      await answer("create", { progress: [step, 1, 2] });
      cancel.abort();
      await failed;
      await settled();
      assert.equal(FakeWorker.newest().terminated, !drains, step);
      if (drains) await answer("drain", { value: null });
      await settled();
      assert(FakeWorker.newest().terminated);
    }
  });

  test("notes and another backend are reported when they come", async () => {
    /** @type {string[]} */
    const notes = [];
    const gaze = await create({ onNote: (sentence) => notes.push(sentence) });
    FakeWorker.newest().send({ event: "note", detail: "The GPU was lost." });
    FakeWorker.newest().send({ event: "backend", detail: "WebAssembly" });
    assert.deepEqual([notes, gaze.backend], [["The GPU was lost."], "WebAssembly"]);
  });
});

describe("AutoGaze", () => {
  test("settings are those that the worker answers; reset names them with null", async () => {
    const gaze = await create();
    const setting = gaze.set({ topK: 3 });
    await answer("change", { value: { ...SETTINGS, topK: 3 } });
    assert.equal((await setting).topK, 3);
    const reset = gaze.reset();
    assert.deepEqual(argsOf("change"), { topK: null, blendAlpha: null });
    await answer("change", { value: SETTINGS });
    await reset;
    assert.equal(gaze.settings.topK, 10);
  });

  test("a clip's pixels are copied, counted and come back frame by frame", async () => {
    const gaze = await create();
    const rgba = Uint8Array.from({ length: 4 * 2 * 3 }, (_, index) => index);
    const inferring = gaze.inferClip(rgba, { width: 2, height: 1, topK: 2, continued: true });
    const { pixels, frames, continued, settings } = argsOf("clip");
    assert.deepEqual([frames, continued, settings], [3, false, { topK: 2 }]);
    assert.notEqual(pixels.buffer, rgba.buffer);
    const results = [0, 1, 2].map((index) => ({ facts: facts(index), mask: null, output: null }));
    await answer("clip", { value: { frames: results, pixels } });
    const clip = await inferring;
    assert.deepEqual(
      clip.frames.map(({ index, input }) => [index, input?.[0]]),
      [
        [0, 0],
        [1, 8],
        [2, 16],
      ],
    );
    gaze.inferClip(rgba, { width: 2, height: 1, continued: true }).catch(() => {});
    assert.equal(argsOf("clip").continued, true, "the second clip goes on from the first");
    gaze.resetVisualization();
    gaze.inferClip(rgba, { width: 2, height: 1, continued: true }).catch(() => {});
    assert.equal(argsOf("clip").continued, false);
    gaze.close();
  });

  test("one stream at a time, and no clip beside it", async () => {
    const gaze = await create();
    const stream = gaze.stream();
    assert.throws(() => gaze.stream(), { message: /^A stream is open already/ });
    await assert.rejects(gaze.inferClip(new Uint8Array(4), { width: 1, height: 1 }), {
      message: /^A stream is open/,
    });
    stream.close();
    gaze.stream().close();
  });

  test("closed, it fails what is pending and all later calls", async () => {
    const gaze = await create();
    const pending = assert.rejects(gaze.tileCount(8, 8), { message: CLOSED });
    gaze.close();
    await pending;
    assert.throws(() => gaze.stream(), { message: CLOSED });
    await assert.rejects(gaze.set({ topK: 1 }), { message: CLOSED });
  });

  test("a file of the gaze is the worker's", async () => {
    const gaze = await create();
    const asked = gaze.gazeFile({ format: "json", keepGrids: ["3x4"] });
    const bytes = new Uint8Array([1, 2]);
    await answer("gazeFile", { value: bytes });
    assert.equal(await asked, bytes);
    assert.deepEqual(argsOf("gazeFile"), { request: { format: "json", keepGrids: ["3x4"] } });
    gaze.close();
    await assert.rejects(gaze.gazeFile(), { message: CLOSED });
  });
});
