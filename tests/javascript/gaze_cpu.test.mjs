import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { CpuGazeRunner } from "../../wasm_bridge/runner/gaze_cpu.mjs";
import { newOrigin } from "./fake_origin.mjs";

const [HEADS, CAPACITY, DEPTH, NEW_ROWS] = [2, 6, 2, 3];
const GRAPH = /** @type {any} */ ({
  file: "frame-2.onnx",
  kind: "frame",
  steps: 2,
  inputs: { frame: [2], context_key_0: [HEADS, CAPACITY, DEPTH], trunk_past_0: [1], tokens: [1] },
  weights: ["w"],
});

class Tensor {
  /**
   * @param {string} type
   * @param {Float32Array} data
   * @param {number[]} dims
   */
  constructor(type, data, dims) {
    Object.assign(this, { type, data, dims });
  }
}

describe("CpuGazeRunner", () => {
  /** @type {any[]} what each run was fed */
  let fed;
  /** @type {any[]} how each session was made */
  let made;
  let released = 0;
  /** @type {any} */
  let ort;
  /** @type {CpuGazeRunner} */
  let runner;

  beforeEach(() => {
    [fed, made, released] = [[], [], 0];
    const { server } = newOrigin();
    server.files.set("https://page.example/graphs/frame-2.onnx", { body: "graph" });
    const session = {
      async run(/** @type {Record<string, any>} */ feeds) {
        fed.push(Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, [...data]])));
        const rows = Float32Array.from({ length: HEADS * NEW_ROWS * DEPTH }, (_, i) => 100 * fed.length + i);
        return {
          decisions: new Tensor("float32", new Float32Array([fed.length]), [1]),
          new_key_0: new Tensor("float32", rows, [HEADS, NEW_ROWS, DEPTH]),
          trunk_next_0: new Tensor("float32", new Float32Array([fed.length]), [1]),
        };
      },
      release: async () => released++,
    };
    ort = {
      Tensor,
      InferenceSession: {
        async create(/** @type {Uint8Array} */ bytes, /** @type {any} */ how) {
          made.push({ graph: new TextDecoder().decode(bytes), ...how });
          return session;
        },
      },
    };
    const weights = new Map([["w", new Uint8Array([1, 2])]]);
    runner = new CpuGazeRunner(ort, [GRAPH], "https://page.example/graphs/", weights);
  });

  /** @type {(copies?: number[], video?: number) => any} */
  const run = (copies = [], video = 0) => ({
    video,
    graph: "frame",
    steps: 2,
    capacity: CAPACITY,
    copies,
    feeds: { frame: new Float32Array([7, 8]), tokens: new Int32Array([3]) },
  });

  test("makes each session once, with the weights as its external data", async () => {
    await runner.prepare();
    await runner.prepare();
    await runner.execute(run());
    assert.equal(made.length, 1);
    assert.equal(made[0].graph, "graph");
    assert.deepEqual(made[0].externalData, [{ path: "w", data: new Uint8Array([1, 2]) }]);
  });

  test("a new video starts with zeros and is fed what the run gives", async () => {
    assert.deepEqual(await runner.execute(run()), new Float32Array([1]));
    assert.deepEqual(fed[0].frame, [7, 8]);
    assert.deepEqual(fed[0].context_key_0, new Array(HEADS * CAPACITY * DEPTH).fill(0));
    assert.deepEqual(fed[0].trunk_past_0, [0]);
    assert.equal(runner.counters.runs, 1);
  });

  test("the rows that the last run made are copied into the context, the trunk goes on", async () => {
    await runner.execute(run());
    await runner.execute(run([1, 2, 4])); // the last two of three new rows, to rows 4 and 5
    const context = fed[1].context_key_0;
    const row = (/** @type {number} */ head, /** @type {number} */ at) =>
      context.slice((head * CAPACITY + at) * DEPTH, (head * CAPACITY + at + 1) * DEPTH);
    assert.deepEqual(row(0, 4), [102, 103]);
    assert.deepEqual(row(0, 5), [104, 105]);
    assert.deepEqual(row(1, 4), [108, 109]);
    assert.deepEqual(row(1, 5), [110, 111]);
    for (let at = 0; at < 4; at++)
      assert.deepEqual(
        [row(0, at), row(1, at)],
        [
          [0, 0],
          [0, 0],
        ],
      );
    assert.deepEqual(fed[1].trunk_past_0, [1]);
  });

  test("a context without a fixed size grows with its rows, which stay in their places", async () => {
    const inputs = { ...GRAPH.inputs, context_key_0: [HEADS, "context", DEPTH] };
    const growing = new CpuGazeRunner(
      ort,
      [{ ...GRAPH, capacity: null, inputs }],
      "https://page.example/graphs/",
      new Map(),
    );
    await growing.execute({ ...run(), capacity: 2 });
    await growing.execute({ ...run([1, 2, 0]), capacity: 2 });
    assert.deepEqual(fed[1].context_key_0, [102, 103, 104, 105, 108, 109, 110, 111]);
    await growing.execute({ ...run([0, 1, 3]), capacity: 4 });
    assert.deepEqual(
      fed[2].context_key_0,
      [102, 103, 104, 105, 0, 0, 200, 201, 108, 109, 110, 111, 0, 0, 206, 207],
    );
    assert.deepEqual(fed[2].trunk_past_0, [2]);
    const { allocations } = growing.counters;
    await growing.execute({ ...run(), capacity: 4 });
    assert.equal(growing.counters.allocations, allocations);
    assert.equal(made.length, 1, "one session for all sizes");
    assert.equal(made[0].freeDimensionOverrides, undefined);
  });

  test("videos have contexts of their own, which a restart forgets", async () => {
    await runner.execute(run());
    await runner.execute(run([0, 1, 0], 1));
    assert.deepEqual(fed[1].trunk_past_0, [0], "the second video knows nothing of the first");
    const { allocations } = runner.counters;
    await runner.execute(run([], 1));
    assert.equal(runner.counters.allocations, allocations, "nothing is allocated for a further frame");
    runner.restart();
    await runner.execute(run());
    assert.deepEqual(fed[3].trunk_past_0, [0]);
  });

  test("a tiles graph is loaded when it is first run, for its batch and context, and freed with its videos for another size", async () => {
    const tiles = {
      ...GRAPH,
      kind: "tiles",
      inputs: {
        frame: ["batch"],
        context_key_0: ["batch", HEADS, "context", DEPTH],
        trunk_past_0: ["batch"],
        tokens: ["batch"],
      },
      outputs: {},
    };
    const weights = new Map([["w", new Uint8Array([1, 2])]]);
    const both = new CpuGazeRunner(ort, [GRAPH, tiles], "https://page.example/graphs/", weights);
    await both.prepare();
    assert.equal(made.length, 1);
    const batch = { ...run(), graph: "tiles", batch: 1, capacity: 5 };
    await both.execute(batch);
    assert.deepEqual(made[1].freeDimensionOverrides, { batch: 1, context: 5 });
    assert.deepEqual(made[1].externalData, [{ path: "w", data: new Uint8Array([1, 2]) }]);
    assert.equal(fed[0].context_key_0.length, HEADS * 5 * DEPTH);
    await both.execute(run());
    assert.equal(fed[1].context_key_0.length, HEADS * CAPACITY * DEPTH);
    await both.execute(batch);
    assert.deepEqual([made.length, released], [2, 0]);
    await both.execute({ ...batch, batch: 2, capacity: 4 });
    assert.deepEqual([made.length, released], [3, 1]);
    assert.equal(fed[3].context_key_0.length, 2 * HEADS * 4 * DEPTH);
    await both.execute(run());
    assert.deepEqual(fed[4].trunk_past_0, [2], "whole frames keep their context");
    await both.close();
    assert.equal(released, 3);
  });

  test("an input that nobody gives is named", async () => {
    const incomplete = run();
    delete incomplete.feeds.tokens;
    await assert.rejects(runner.execute(incomplete), {
      message: 'the run gave no "tokens" for frame-2.onnx',
    });
  });

  test("closing releases every session", async () => {
    await runner.prepare();
    await runner.close();
    assert.equal(released, 1);
  });
});
