import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ArrayRowCache, GpuRowCache } from "../../wasm_bridge/runner/encoder_cache.mjs";
import { EncoderGraphs } from "../../wasm_bridge/runner/encoder_graphs.mjs";
import { cacheChange } from "../../wasm_bridge/runner/row_cache.mjs";
import { newCounters } from "../../wasm_bridge/runner/runner_counters.mjs";
import { newOrigin } from "./fake_origin.mjs";

const [HEADS, DEPTH] = [2, 3];
const GRAPH = /** @type {any} */ ({
  file: "encoder.onnx",
  kind: "encoder",
  inputs: {
    patches: ["rows", 4],
    past_key_0: [HEADS, "past_0", DEPTH],
    past_value_0: [HEADS, "past_0", DEPTH],
    past_value: [HEADS, 1, DEPTH],
  },
  outputs: { last_hidden_state: ["rows", 4], new_key_0: [], new_value_0: [] },
  weights: ["w"],
});

class Tensor {
  disposed = false;
  /**
   * @param {string} type
   * @param {any} data
   * @param {number[]} dims
   */
  constructor(type, data, dims) {
    this.type = type;
    this.data = data;
    this.gpuBuffer = data;
    this.dims = dims;
  }

  dispose() {
    this.disposed = true;
  }

  /** @param {any} buffer @param {{ dims: number[] }} how */
  static fromGpuBuffer(buffer, { dims }) {
    return new Tensor("float32", buffer, dims);
  }
}

/** A GPU's memory, in which commands take effect at once. */
class FakeBuffer {
  destroyed = false;
  /** @param {number} size */
  constructor(size) {
    this.size = size;
    this.values = new Float32Array(size / 4);
  }

  destroy() {
    this.destroyed = true;
  }
}

const device = /** @type {any} */ ({
  createBuffer: (/** @type {{ size: number }} */ { size }) => new FakeBuffer(size),
  createCommandEncoder: () => ({
    copyBufferToBuffer(
      /** @type {FakeBuffer} */ from,
      /** @type {number} */ source,
      /** @type {FakeBuffer} */ to,
      /** @type {number} */ target,
      /** @type {number} */ size,
    ) {
      assert(!from.destroyed && !to.destroyed);
      to.values.set(from.values.subarray(source / 4, (source + size) / 4), target / 4);
    },
    clearBuffer(/** @type {FakeBuffer} */ buffer, /** @type {number} */ at, /** @type {number} */ size) {
      buffer.values.fill(0, at / 4, (at + size) / 4);
    },
    finish() {},
  }),
  queue: { submit() {} },
});

/** New rows (heads, count, depth) whose values say run, head and row. @param {number} run @param {number} count */
function freshRows(run, count) {
  return Float32Array.from({ length: HEADS * count * DEPTH }, (_, index) => {
    const [head, row] = [Math.floor(index / (count * DEPTH)), Math.floor(index / DEPTH) % count];
    return 100 * run + 10 * head + row;
  });
}

/** The rows of a cache, head by head, by the first value of each. @param {ArrayLike<number>} values @param {number} rows */
function rowsOf(values, rows) {
  return Array.from({ length: HEADS }, (_, head) =>
    Array.from({ length: 1 + rows }, (_, row) => values[(head * (1 + rows) + row) * DEPTH]),
  );
}

test("a cache that drops more rows than it had before drops new ones", () => {
  const shape = { heads: 1, depth: 1, cached: 1, fresh: 4 };
  assert.deepEqual(cacheChange(shape, [0, 1, 3], 2), {
    rows: 2,
    pieces: [
      { from: "fresh", source: 1, target: 1, length: 1 },
      { from: "fresh", source: 3, target: 2, length: 1 },
    ],
  });
  assert.deepEqual(cacheChange(shape, [], 0).rows, 1);
});

for (const kind of ["array", "gpu"]) {
  describe(`keys and values: ${kind}`, () => {
    const counters = newCounters();
    /** @type {ArrayRowCache | GpuRowCache} */
    let cache;
    const ort = /** @type {any} */ ({ Tensor });
    /** @param {number} run @param {number} count */
    const take = (run, count) => {
      const tensor = () => {
        const rows = freshRows(run, count);
        if (kind === "array") return new Tensor("float32", rows, [HEADS, count, DEPTH]);
        const buffer = new FakeBuffer(4 * rows.length);
        buffer.values.set(rows);
        return new Tensor("float32", buffer, [HEADS, count, DEPTH]);
      };
      cache.take(/** @type {any} */ ({ new_key_0: tensor(), new_value_0: tensor() }));
    };
    const rows = () => {
      const tensor = /** @type {any} */ (cache.tensors().past_key_0);
      assert.equal(tensor.dims[0], HEADS);
      return rowsOf(kind === "array" ? tensor.data : tensor.gpuBuffer.values, tensor.dims[1] - 1);
    };

    beforeEach(() => {
      globalThis.GPUBufferUsage = /** @type {any} */ ({ STORAGE: 1, COPY_SRC: 2, COPY_DST: 4 });
      cache =
        kind === "array" ? new ArrayRowCache(ort, GRAPH) : new GpuRowCache(ort, device, GRAPH, counters);
    });

    test("rows are appended behind an empty one and dropped from the oldest on", () => {
      assert.deepEqual(Object.keys(cache.tensors()), ["past_key_0", "past_value_0"]);
      assert.deepEqual(rows(), [[0], [0]]);
      cache.change([], 0);
      take(1, 4);
      cache.change([0, 1, 3], 0);
      assert.deepEqual(rows(), [
        [0, 100, 101, 103],
        [0, 110, 111, 113],
      ]);
      take(2, 2);
      cache.change([1], 2);
      assert.deepEqual(rows(), [
        [0, 103, 201],
        [0, 113, 211],
      ]);
      cache.change([], 1);
      assert.deepEqual(rows(), [
        [0, 201],
        [0, 211],
      ]);
      cache.close();
    });

    test("steady streams allocate nothing", () => {
      for (let run = 1; run < 9; run++) {
        take(run, 2);
        cache.change([0, 1], run > 2 ? 2 : 0);
        if (run === 5) counters.allocations = 0;
      }
      assert.equal(counters.allocations, 0);
      assert.deepEqual(rows()[0], [0, 700, 701, 800, 801]);
    });
  });
}

describe("EncoderGraphs", () => {
  /** @type {any[]} */
  let fed;
  /** @type {any[]} */
  let made;
  let released = 0;
  const ort = /** @type {any} */ ({
    Tensor,
    InferenceSession: {
      async create(/** @type {Uint8Array} */ bytes, /** @type {any} */ how) {
        made.push({ graph: new TextDecoder().decode(bytes), ...how });
        return {
          async run(/** @type {any} */ feeds) {
            fed.push(feeds);
            const count = feeds.patches.dims[0];
            return {
              last_hidden_state: new Tensor("float32", new Float32Array(4 * count).fill(fed.length), [
                count,
                4,
              ]),
              new_key_0: new Tensor("float32", freshRows(fed.length, count), [HEADS, count, DEPTH]),
              new_value_0: new Tensor("float32", freshRows(fed.length, count), [HEADS, count, DEPTH]),
            };
          },
          release: async () => released++,
        };
      },
    },
  });
  const newCache = (/** @type {any} */ graph) => new ArrayRowCache(ort, graph);
  /** @type {EncoderGraphs} */
  let graphs;
  const run = (/** @type {object} */ more = {}) =>
    /** @type {any} */ ({
      graph: "encoder",
      stream: "gazed",
      restart: false,
      kept: [],
      dropped: 0,
      outputs: ["last_hidden_state"],
      feeds: {
        patches: { data: new Float32Array(8), shape: [2, 4] },
        patch_ids: { data: new Int32Array(2), shape: [2] },
      },
      ...more,
    });

  beforeEach(async () => {
    [fed, made, released] = [[], [], 0];
    newOrigin().server.files.set("https://page.example/encoder/encoder.onnx", { body: "graph" });
    graphs = new EncoderGraphs(
      ort,
      [GRAPH],
      "https://page.example/encoder/",
      new Map([["w", new Uint8Array([1])]]),
      { provider: "wasm", newCache },
    );
    await graphs.prepare();
  });

  test("makes each session once, with the weights as external data, and frees it", async () => {
    assert.equal(made[0].graph, "graph");
    assert.deepEqual(made[0].externalData, [{ path: "w", data: new Uint8Array([1]) }]);
    assert.equal(made[0].preferredOutputLocation.new_key_0, "cpu");
    await graphs.execute(run({ restart: true }));
    await graphs.close();
    assert.equal(released, 1);
  });

  test("on a GPU new keys and values stay there", async () => {
    const onGpu = new EncoderGraphs(ort, [GRAPH], "https://page.example/encoder/", new Map(), {
      provider: { name: "webgpu" },
      newCache,
    });
    await onGpu.prepare();
    assert.deepEqual(made[1].preferredOutputLocation, {
      last_hidden_state: "cpu",
      new_key_0: "gpu-buffer",
      new_value_0: "gpu-buffer",
    });
  });

  test("a stream's rows are inputs of its next run; another stream has its own", async () => {
    const answer = await graphs.execute(run({ restart: true }));
    assert.equal(answer.length, 1 + 8);
    assert.deepEqual([...answer.slice(1)], new Array(8).fill(1));
    assert.equal(fed[0].patch_ids.type, "int32");
    await graphs.execute(run({ kept: [0, 1] }));
    assert.deepEqual(fed[1].past_key_0.dims, [HEADS, 3, DEPTH]);
    await graphs.execute(run({ stream: "all" }));
    assert.deepEqual(fed[2].past_key_0.dims, [HEADS, 1, DEPTH]);
    await graphs.execute(run({ restart: true }));
    assert.deepEqual(fed[3].past_key_0.dims, [HEADS, 1, DEPTH]);
    graphs.forget("gazed");
    graphs.forget("nobody");
    await graphs.execute(run());
    assert.deepEqual(fed[4].past_key_0.dims, [HEADS, 1, DEPTH]);
    assert.equal(graphs.counters.runs, 5);
  });

  test("a graph without a stream has no cache; what is not there is named", async () => {
    await graphs.execute(run({ stream: "" }));
    assert.equal(fed[0].past_key_0, undefined);
    await assert.rejects(
      graphs.execute(run({ graph: "frame_decoder" })),
      /no graph of the kind "frame_decoder"/,
    );
    await assert.rejects(graphs.execute(run({ outputs: ["pixels"] })), /encoder.onnx has no output "pixels"/);
  });
});
