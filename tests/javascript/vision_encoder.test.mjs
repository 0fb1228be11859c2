import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { loadEncoder } from "../../wasm_bridge/autogaze.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const CREATED = { backend: "WebGPU", notes: ["a note"], description: { hidden: 2, side: 1 } };
const CLOSED = { message: "This encoder was closed: load another one." };
const FRAME = { data: new Uint8ClampedArray(4), width: 1, height: 1 };

beforeEach(() => {
  installFakeWorkers();
  Object.defineProperty(globalThis, "ImageData", {
    value: class {
      /** @param {Uint8ClampedArray} data @param {number} width @param {number} height */
      constructor(data, width, height) {
        Object.assign(this, { data, width, height });
      }
    },
    configurable: true,
  });
});

/** Calls that were answered. @type {Set<string>} */
const answered = new Set();
beforeEach(() => answered.clear());

/** @param {string} name */
const argsOf = (name) =>
  FakeWorker.newest().posted.findLast(({ message }) => message.name === name)?.message.args;

/** Answers the newest call of a name. @param {string} name @param {object} answer */
async function answer(name, answer) {
  while (
    !FakeWorker.newest()
      .ids(name)
      .some((id) => !answered.has(`${FakeWorker.started.length} ${id}`))
  )
    await settled();
  answered.add(`${FakeWorker.started.length} ${FakeWorker.newest().ids(name).at(-1)}`);
  FakeWorker.newest().send({ id: FakeWorker.newest().ids(name).at(-1), ...answer });
}

/** @param {Parameters<typeof loadEncoder>[0]} [options] */
async function load(options) {
  const before = FakeWorker.started.length;
  const loading = loadEncoder(options);
  loading.catch(() => {});
  while (FakeWorker.started.length === before) await settled();
  await answer("create", { value: CREATED });
  return loading;
}

describe("loadEncoder", () => {
  test("loads the built-in one with its decoder unless an address or files are given", async () => {
    const encoder = await load({ siteUrl: "../site/" });
    const asked = argsOf("create");
    assert.equal(asked.folder, "https://page.example/site/encoder/");
    assert.equal(asked.graphs, "https://page.example/site/encoder/");
    assert.deepEqual([asked.decodes, asked.scales, asked.backend], [true, undefined, "auto"]);
    assert.deepEqual([encoder.backend, encoder.description.hidden], ["WebGPU", 2]);
  });

  test("a SigLIP has the site's graph at AutoGaze's scales, or graphs and scales of its own", async () => {
    /** @type {string[]} */
    const notes = [];
    const folder = "https://models.example/siglip";
    await load({ folder, siteUrl: "../site/", onNote: (note) => notes.push(note) });
    const asked = argsOf("create");
    assert.deepEqual(
      [asked.folder, asked.graphs, asked.scales, asked.decodes],
      [`${folder}/`, "https://page.example/site/siglip/", "32+64+112+224", false],
    );
    assert.deepEqual(notes, ["a note"]);
    await load({ folder, graphs: "./own", rebuild: true });
    const own = argsOf("create");
    assert(own.graphs.endsWith("/own/"));
    assert.deepEqual([own.scales, own.decodes], [undefined, true]);
    const files = [new File(["{}"], "config.json")];
    await load({ files });
    assert.deepEqual(argsOf("create").files, files);
  });

  test("wrong options and cancelling", async () => {
    await assert.rejects(loadEncoder({ backend: /** @type {any} */ ("cuda") }), {
      message: 'backend is "auto", "webgpu" or "wasm", got "cuda".',
    });
    await assert.rejects(loadEncoder({ signal: AbortSignal.abort(new Error("no")) }), { message: "no" });
    assert.equal(FakeWorker.started.length, 0);
    const cancel = new AbortController();
    const loading = loadEncoder({ signal: cancel.signal });
    loading.catch(() => {});
    while (!FakeWorker.started.length) await settled();
    cancel.abort(new Error("enough"));
    await assert.rejects(loading, { message: "enough" });
    await answer("drain", { value: undefined });
    await settled();
    assert(FakeWorker.newest().terminated);
    const failing = loadEncoder({ siteUrl: "../x/" });
    failing.catch(() => {});
    while (FakeWorker.started.length < 2) await settled();
    await answer("create", { error: "There is no config.json." });
    await assert.rejects(failing, { message: "There is no config.json." });
    await settled();
    assert(FakeWorker.newest().terminated);
  });
});

describe("VisionEncoder", () => {
  const seen = {
    features: new Float32Array([1, 2]),
    pooled: new Float32Array(2),
    rebuilt: new Uint8ClampedArray(4),
    encodeMs: 3,
    decodeMs: 4,
  };

  test("encodes a frame by itself", async () => {
    const encoder = await load();
    const encoding = encoder.encode(FRAME, [7]);
    await answer("encode", { value: seen });
    const { features, hidden, pooled, rebuilt, encodeMs, decodeMs } = await encoding;
    assert.deepEqual([...features], [1, 2]);
    assert.deepEqual([hidden, pooled?.length, rebuilt?.width, encodeMs, decodeMs], [2, 2, 1, 3, 4]);
    assert.deepEqual([argsOf("encode").stream, argsOf("encode").tokens], ["", [7]]);
    const everything = encoder.encode(FRAME);
    await answer("encode", { value: { features: seen.features, encodeMs: 1, decodeMs: 0 } });
    assert.deepEqual([(await everything).pooled, (await everything).rebuilt], [null, null]);
    assert.equal(argsOf("encode").tokens, null);
    await assert.rejects(
      encoder.encode(FRAME, /** @type {any} */ ([0.5])),
      /^Error: tokens are the ids of patches/,
    );
    encoder.close();
    assert.throws(() => encoder.stream(), CLOSED);
    await assert.rejects(encoder.encode(FRAME), CLOSED);
  });

  test("streams have names of their own and keep their frames in order", async () => {
    const encoder = await load();
    const [first, second] = [encoder.stream(), encoder.stream({ window: 4 })];
    assert.deepEqual(argsOf("open"), { stream: "stream 2", window: 4 });
    const worker = FakeWorker.newest();
    const [one, two] = worker.ids("open");
    worker.send({ id: one, value: undefined });
    worker.send({ id: two, error: "window is 1 to 4096 frames" });
    await assert.rejects(second.next(FRAME), { message: "window is 1 to 4096 frames" });
    const both = [first.next(FRAME, []), first.next(FRAME, [1])];
    await answer("encode", { value: seen });
    await both[0];
    await answer("encode", { value: seen });
    await both[1];
    assert.deepEqual(argsOf("encode").tokens, [1]);
    first.close();
    first.close();
    assert.equal(worker.ids("close").length, 1);
    await assert.rejects(first.next(FRAME), /^Error: This stream was closed/);
  });
});
