import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { loadEncoder } from "../../wasm_bridge/autogaze.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

const settled = () => new Promise((resolve) => setImmediate(resolve));
const CREATED = { backend: "WebGPU", notes: ["a note"], description: { hidden: 2, side: 1 } };
const CLOSED = { message: "This encoder was closed: load another one." };
const pixel = (/** @type {number} */ red) => ({
  data: new Uint8ClampedArray([red, 0, 0, 255]),
  width: 1,
  height: 1,
});
const FRAME = pixel(0);

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
    for (const [step, drains] of /** @type {const} */ ([
      ["Loading Python", false],
      ["Loading the encoder", true],
    ])) {
      const cancel = new AbortController();
      /** @type {number} */
      const before = FakeWorker.started.length;
      const loading = loadEncoder({ signal: cancel.signal });
      loading.catch(() => {});
      while (FakeWorker.started.length === before) await settled();
      const worker = FakeWorker.newest();
      worker.send({ id: worker.ids("create")[0], progress: [step, 1, 2] });
      cancel.abort(new Error("enough"));
      await assert.rejects(loading, { message: "enough" });
      await settled();
      assert.equal(worker.terminated, !drains, step);
      if (drains) await answer("drain", { value: undefined });
      await settled();
      assert(worker.terminated);
    }
    const failing = loadEncoder({ siteUrl: "../x/" });
    failing.catch(() => {});
    while (FakeWorker.started.length < 3) await settled();
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
    const refused = assert.rejects(second.next(FRAME), { message: "window is 1 to 4096 frames" });
    await answer("encode", { error: "'stream 2'" });
    await refused;
    const [frame, tokens] = [pixel(1), [1]];
    const both = [first.next(frame, []), first.next(frame, tokens)];
    frame.data[0] = 9;
    tokens.push(2);
    await settled();
    const [, ...posted] = worker.posted.filter(({ message }) => message.name === "encode");
    assert.deepEqual(
      posted.map(({ message: { args } }) => [args.stream, args.frame.pixels[0], args.tokens]),
      [
        ["stream 1", 1, []],
        ["stream 1", 1, [1]],
      ],
      "as they were given, and before the first is encoded",
    );
    for (const { message } of posted) worker.send({ id: message.id, value: seen });
    assert.deepEqual(
      [...(await Promise.all(both))].map(({ hidden }) => hidden),
      [2, 2],
    );
    first.close();
    first.close();
    await settled();
    assert.equal(worker.ids("close").length, 1);
    await assert.rejects(first.next(FRAME), /^Error: This stream was closed/);
  });

  test("a frame that was given before its stream is closed is encoded", async () => {
    const encoder = await load();
    const stream = encoder.stream();
    const last = stream.next(FRAME);
    stream.close();
    await settled();
    const names = FakeWorker.newest().posted.map(({ message }) => message.name);
    assert.deepEqual(names.slice(-3), ["open", "encode", "close"]);
    await answer("encode", { value: seen });
    assert.equal((await last).hidden, 2);
    encoder.close();
    assert.throws(() => encoder.stream(), CLOSED);
  });

  test("a queued frame is cancelled at once, a frame that is none fails alone", async () => {
    const encoder = await load();
    const stream = encoder.stream();
    const worker = FakeWorker.newest();
    const [cancel, first] = [new AbortController(), stream.next(FRAME)];
    const wrong = stream.next({ ...FRAME, width: 5 });
    const queued = stream.next(FRAME, null, { signal: cancel.signal });
    await assert.rejects(wrong, { message: /^1 frame of 5x1 pixels is 20 bytes/ });
    await settled();
    cancel.abort(new Error("enough"));
    await assert.rejects(queued, { message: "enough" });
    const [one, two] = worker.ids("encode");
    assert.deepEqual(worker.posted.at(-1)?.message, { cancel: two });
    worker.send({ id: one, value: seen });
    assert.equal((await first).hidden, 2);
  });

  test("a picture that is not sent is closed", async () => {
    const encoder = await load();
    let closed = 0;
    class Picture {
      format = "I420";
      displayWidth = 1;
      displayHeight = 1;
      clone = () => new Picture();
      close() {
        closed += 1;
      }
    }
    Object.assign(globalThis, { VideoFrame: Picture });
    try {
      const signal = AbortSignal.abort(new Error("enough"));
      const picture = /** @type {any} */ (new Picture());
      await assert.rejects(encoder.stream().next(picture, null, { signal }), { message: "enough" });
      assert.equal(closed, 1);
    } finally {
      Reflect.deleteProperty(globalThis, "VideoFrame");
    }
  });
});
