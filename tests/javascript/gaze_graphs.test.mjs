import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  fetchGraph,
  graphOf,
  graphOfRun,
  isContext,
  isTrunkPast,
  keyOf,
  piecesOf,
  sizeOf,
  stateShapes,
  typeOf,
  videoKey,
} from "../../wasm_bridge/runner/gaze_graphs.mjs";
import { newOrigin } from "./fake_origin.mjs";

/** @type {(kind: "frame" | "steps", steps: number, inputs?: Record<string, number[]>) => any} */
const graph = (kind, steps, inputs = {}) => ({ file: `${kind}-${steps}.onnx`, kind, steps, inputs });

test("a graph is found by its kind and steps; a missing one says how to make it", () => {
  const graphs = [graph("frame", 2), graph("steps", 2), graph("frame", 20)];
  assert.equal(graphOf(graphs, "frame", 20), graphs[2]);
  assert.throws(() => graphOf(graphs, "steps", 20), {
    message: "There is no graph steps-20: export it with autogaze-web export.",
  });
});

test("a tiles graph is sized for its batch and context; its session and its videos are named apart", () => {
  const tiles = graph(
    /** @type {any} */ ("tiles"),
    3,
    /** @type {any} */ ({
      frame: ["batch", 3, 64, 64],
      context_key_0: ["batch", 4, "context", 16],
    }),
  );
  const run = /** @type {any} */ ({ video: 0, graph: "tiles", steps: 3, batch: 24, capacity: 226 });
  const sized = graphOfRun([graph("frame", 3), { ...tiles, outputs: {} }], run);
  assert.deepEqual(sized.inputs, { frame: [24, 3, 64, 64], context_key_0: [24, 4, 226, 16] });
  assert.deepEqual(sized.sides, { batch: 24, context: 226 });
  assert.deepEqual([keyOf(sized), videoKey(run)], ["tiles-3.onnx 24x226", "tile 0"]);
  const single = /** @type {any} */ ({ video: 0, graph: "frame", steps: 3 });
  assert.deepEqual([keyOf(graphOfRun([graph("frame", 3)], single)), videoKey(single)], ["frame-3.onnx", "0"]);
});

test("state is the context and the trunk's past of all graphs, with their shapes", () => {
  const shapes = stateShapes([
    graph("frame", 2, { frame: [1, 3, 64, 64], context_key_0: [4, 520, 16], tokens: [1] }),
    graph("steps", 7, { context_key_0: [4, 520, 16], context_value_0: [4, 520, 16], trunk_past_1: [8] }),
  ]);
  assert.deepEqual(
    [...shapes],
    [
      ["context_key_0", [4, 520, 16]],
      ["context_value_0", [4, 520, 16]],
      ["trunk_past_1", [8]],
    ],
  );
  assert(!isContext("context") && !isTrunkPast("trunk_next_1"));
  assert.deepEqual([sizeOf([4, 520, 16]), sizeOf([])], [33_280, 1]);
});

test("tokens are integers, all else is floating point", () => {
  assert.deepEqual(["tokens", "pending_tokens", "frame", "context_key_0"].map(typeOf), [
    "int32",
    "int32",
    "float32",
    "float32",
  ]);
});

describe("piecesOf", () => {
  test("moves the same elements as copying row by row would", () => {
    for (const [heads, rows, capacity, depth] of /** @type {[number, number, number, number][]} */ ([
      [1, 4, 10, 3],
      [3, 5, 12, 2],
      [2, 16, 520, 16],
    ])) {
      const copies = [0, 2, 1, 3, 1, 7, 2, 0, 5]; // source, count and row of each
      const from = Float32Array.from({ length: heads * rows * depth }, (_, index) => index + 1);
      const moved = new Float32Array(heads * capacity * depth);
      const expected = moved.slice();
      for (const { source, target, length } of piecesOf(
        copies,
        [heads, rows, depth],
        [heads, capacity, depth],
      ))
        moved.set(from.subarray(source, source + length), target);
      for (let copy = 0; copy < copies.length; copy += 3) {
        const [source = 0, count = 0, row = 0] = copies.slice(copy, copy + 3);
        for (let head = 0; head < heads; head++)
          for (let each = 0; each < count; each++)
            for (let element = 0; element < depth; element++)
              expected[(head * capacity + row + each) * depth + element] =
                from[(head * rows + source + each) * depth + element] ?? Number.NaN;
      }
      assert.deepEqual(moved, expected);
    }
  });

  test("in a batch the video comes first", () => {
    const copies = [0, 1, 2, 3, 2, 0, 1, 5]; // video, source, count and row of each
    const pieces = piecesOf(copies, [3, 2, 4, 2], [3, 2, 9, 2]);
    assert.deepEqual(pieces, [
      { source: 2, target: 6, length: 4 },
      { source: 10, target: 24, length: 4 },
      { source: 32, target: 82, length: 2 },
      { source: 40, target: 100, length: 2 },
    ]);
  });

  test("no copies come to no pieces", () => assert.deepEqual(piecesOf([], [2, 3, 4], [2, 9, 4]), []));
});

test("a graph is downloaded from its folder, and a missing one is named with the place", async () => {
  const { server } = newOrigin();
  server.files.set("https://page.example/graphs/frame-2.onnx", { body: new Uint8Array([1, 2, 3]) });
  const folder = "https://page.example/graphs/";
  assert.deepEqual(await fetchGraph(graph("frame", 2), folder), new Uint8Array([1, 2, 3]));
  await assert.rejects(fetchGraph(graph("frame", 7), folder), {
    message: "The graph frame-7.onnx is missing (404) at https://page.example/graphs/.",
  });
});
