import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { Serializer } from "../../wasm_bridge/calls/serializer.mjs";
import { LiveEncoder } from "../../wasm_bridge/live/live_encoder.mjs";
import { LoadedEncoder } from "../../wasm_bridge/model/loaded_encoder.mjs";
import { newCounters } from "../../wasm_bridge/runner/runner_counters.mjs";
import { newOrigin } from "./fake_origin.mjs";

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("the live view's encoder", () => {
  /** @type {[string, any][]} */
  let emitted;
  /** @type {any} what Python was told */
  let told;
  /** @type {any} */
  let loaded;
  let lose = () => {};
  /** @type {(encoder: any) => void} */
  let finish = () => {};
  /** @type {(error: Error) => void} */
  let refuse = () => {};
  /** @type {LiveEncoder} */
  let live;
  const session = {
    fetch_gazed_picture: async () => {
      told.fetched = told.python === undefined;
      throw new Error("The GPU was lost.");
    },
    set_encoder: (/** @type {any[]} */ ...args) => {
      [told.python, told.bridge, told.onFrame, told.full] = args;
    },
    encode_all: (/** @type {boolean} */ full) => {
      told.all = full;
    },
    clear_encoder: () => {
      told.cleared += 1;
    },
    encoder_counters: () => '{"encoded": 2, "skipped": 1}',
  };

  beforeEach(() => {
    newOrigin();
    emitted = [];
    told = { cleared: 0, closed: 0 };
    loaded = {
      python: {},
      bridge: {},
      backend: { description: "WebAssembly" },
      notes: [],
      description: { side: 2, hidden: 3 },
      runner: {
        counters: newCounters(),
        lost: new Promise((resolve) => {
          lose = () => resolve(undefined);
        }),
      },
      close: async () => {
        told.closed += 1;
      },
    };
    mock.method(
      LoadedEncoder,
      "load",
      () =>
        new Promise((resolve, reject) => {
          [finish, refuse] = [resolve, reject];
        }),
    );
    live = new LiveEncoder(
      {},
      session,
      "https://page.example/",
      (event, detail) => emitted.push([event, detail]),
      () => 7,
      new Serializer(),
    );
  });
  afterEach(() => mock.restoreAll());

  /** @param {object} [how] */
  async function start(how = {}) {
    const starting = live.start({ full: false, ...how }, () => {});
    await settled();
    finish(loaded);
    await starting;
  }

  test("is loaded once; another start changes only what is encoded", async () => {
    assert.equal(live.counters, undefined);
    await start({ full: true });
    assert.deepEqual(emitted, [
      ["encoder-ready", { backend: "WebAssembly", notes: [], description: loaded.description }],
    ]);
    assert.deepEqual([told.full, told.fetched], [true, true], "the picture that is shown comes first");
    await live.start({ full: false }, () => {});
    assert.equal(told.all, false);
    assert.equal(emitted.length, 1);
    assert.deepEqual(live.counters, { ...newCounters(), encoded: 2, skipped: 1 });
  });

  test("is freed when it is stopped, also while it is loaded", async () => {
    await start();
    await live.stop();
    assert.deepEqual([told.cleared, told.closed], [1, 1]);
    const starting = live.start({ full: false }, () => {});
    await settled();
    await live.stop();
    finish(loaded);
    await starting;
    assert.equal(told.closed, 2);
    assert.equal(emitted.length, 1, "nothing is said of a load that was cancelled");
    const cancelled = live.start({ full: false }, () => {});
    await settled();
    await live.stop();
    refuse(new Error("aborted"));
    await cancelled;
    assert.equal(emitted.length, 1);
  });

  test("a load that fails is said in a sentence, and can be tried again", async () => {
    const starting = live.start({ full: false }, () => {});
    await settled();
    refuse(new Error("There is no config.json."));
    await starting;
    assert.deepEqual(emitted, [["encoder-failed", { message: "There is no config.json." }]]);
    await start();
    assert.equal(emitted.at(-1)?.[0], "encoder-ready");
  });

  test("a GPU that is lost, or a run that fails, ends it with one sentence", async () => {
    await start();
    lose();
    await settled();
    told.onFrame(undefined, undefined, "RuntimeError: The GPU was lost.");
    await settled();
    assert.deepEqual(
      emitted.map(([event]) => event),
      ["encoder-ready", "encoder-failed"],
    );
    assert.match(emitted[1]?.[1].message, /^The GPU was lost, so frames are encoded no longer/);
    assert.deepEqual([told.cleared, told.closed], [1, 1]);
  });

  test("what Python made of a frame is handed on as arrays", async () => {
    await start();
    const bytes = new Uint8ClampedArray(new Float32Array([1, 2, 3]).buffer);
    const packed = { getBuffer: () => ({ data: bytes, release() {} }) };
    const header = {
      numbers: {
        index: 4,
        encode_ms: 2,
        full_features: null,
        vision: { patches: 265, rebuilt_psnr: 30, net: { break_even: 2 }, projections: [{ full_ms: 1 }] },
      },
      feeds: [["features", "float32", 0, 12]],
      shapes: { features: [1, 3] },
    };
    told.onFrame(JSON.stringify(header), packed, undefined);
    const [event, { stream, frame }] = emitted.at(-1) ?? ["", {}];
    assert.deepEqual([event, stream], ["encoder-frame", 7]);
    assert.deepEqual([...frame.features], [1, 2, 3]);
    assert.deepEqual(
      [frame.index, frame.encodeMs, frame.fullFeatures, frame.hidden, frame.side],
      [4, 2, null, 3, 2],
    );
    const vision = { patches: 265, rebuiltPsnr: 30, net: { breakEven: 2 }, projections: [{ fullMs: 1 }] };
    assert.deepEqual([frame.vision, frame.fullColours], [vision, null]);
  });
});
