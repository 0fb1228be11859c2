import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { piecesOf } from "../../wasm_bridge/runner/gaze_graphs.mjs";
import { RowMover } from "../../wasm_bridge/runner/row_mover.mjs";

/** @typedef {{ words: Uint32Array<ArrayBuffer>, size: number, destroyed: boolean, destroy: () => void }} FakeBuffer */

/** @param {number} size in bytes @param {(index: number) => number} [value] @returns {FakeBuffer} */
function fakeBuffer(size, value = () => 0) {
  const buffer = {
    words: Uint32Array.from({ length: size / 4 }, (_, i) => value(i)),
    size,
    destroyed: false,
  };
  return Object.assign(buffer, { destroy: () => (buffer.destroyed = true) });
}

/** A device that does what the shader does with each invocation that is dispatched. */
function fakeDevice() {
  const bound = { groups: 0 };
  const encoder = {
    beginComputePass() {
      /** @type {FakeBuffer[]} */
      let [table, from, to] = [];
      return {
        setPipeline() {},
        setBindGroup: (/** @type {number} */ _, /** @type {FakeBuffer[]} */ group) =>
          ([table, from, to] = group),
        dispatchWorkgroups(/** @type {number} */ x, /** @type {number} */ y) {
          for (let piece = 0; piece < y; piece++) {
            const [source = 0, target = 0, length = 0] = table?.words.subarray(4 * piece) ?? [];
            const reached = Math.min(length, 64 * x);
            to?.words.set(from?.words.subarray(source, source + reached) ?? [], target);
          }
        },
        end() {},
      };
    },
  };
  const device = {
    createShaderModule: () => ({}),
    createComputePipeline: () => ({ getBindGroupLayout: () => ({}) }),
    createBindGroup(/** @type {any} */ { entries }) {
      bound.groups += 1;
      return entries.map((/** @type {any} */ { resource }) => resource.buffer);
    },
    queue: {
      writeBuffer: (
        /** @type {FakeBuffer} */ buffer,
        /** @type {number} */ _,
        /** @type {Uint32Array} */ data,
      ) => buffer.words.set(data),
    },
  };
  return { device: /** @type {any} */ (device), encoder: /** @type {any} */ (encoder), bound };
}

/** @type {(buffer: FakeBuffer) => any} */
const asGpu = (buffer) => buffer;

describe("RowMover", () => {
  test("rows of every video, head and tensor arrive where they belong, and nowhere else", () => {
    const { device, encoder } = fakeDevice();
    const mover = new RowMover(device, (size) => asGpu(fakeBuffer(size)));
    const [from, to] = [
      [2, 3, 40, 2],
      [2, 3, 90, 2],
    ]; // videos, heads, rows, depth
    const copies = [0, 30, 10, 5, 1, 0, 2, 80, 1, 2, 38, 20]; // video, source, count, row
    const pairs = [1000, 9000].map((base) => ({
      from: fakeBuffer(4 * 2 * 3 * 40 * 2, (i) => base + i),
      to: fakeBuffer(4 * 2 * 3 * 90 * 2),
    }));
    mover.encode(encoder, piecesOf(copies, from, to), /** @type {any} */ (pairs));
    for (const { from, to } of pairs) {
      const expected = new Uint32Array(to.words.length);
      for (const [video, source, count, row] of [
        [0, 30, 10, 5],
        [1, 0, 2, 80],
        [1, 2, 38, 20],
      ]) {
        for (let head = 0; head < 3; head++) {
          for (let i = 0; i < 2 * Number(count); i++) {
            expected[((3 * Number(video) + head) * 90 + Number(row)) * 2 + i] =
              from.words[((3 * Number(video) + head) * 40 + Number(source)) * 2 + i] ?? 0;
          }
        }
      }
      assert.deepEqual(to.words, expected);
    }
  });

  test("buffers are bound once, and again when the table of pieces was replaced by a larger one", () => {
    const { device, encoder, bound } = fakeDevice();
    /** @type {FakeBuffer[]} */
    const made = [];
    const mover = new RowMover(device, (size) => {
      const buffer = fakeBuffer(size);
      made.push(buffer);
      return asGpu(buffer);
    });
    const pairs = [{ from: asGpu(fakeBuffer(64)), to: asGpu(fakeBuffer(64)) }];
    const piece = { source: 0, target: 4, length: 4 };
    mover.encode(encoder, [piece], pairs);
    mover.encode(encoder, [piece], pairs);
    assert.deepEqual([made.length, bound.groups], [1, 1]);
    mover.encode(encoder, [piece, { ...piece, target: 8 }], pairs);
    assert.deepEqual([made.length, bound.groups, made[0]?.destroyed], [2, 2, true]);
    mover.close();
    assert.ok(made.every(({ destroyed }) => destroyed));
  });

  test("nothing is encoded for no pieces", () => {
    const { device, bound } = fakeDevice();
    const mover = new RowMover(device, (size) => asGpu(fakeBuffer(size)));
    mover.encode(/** @type {any} */ ({}), [], [{ from: asGpu(fakeBuffer(4)), to: asGpu(fakeBuffer(4)) }]);
    assert.equal(bound.groups, 0);
  });

  test("more pieces than can be dispatched are refused", () => {
    const { device, encoder } = fakeDevice();
    const mover = new RowMover(device, (size) => asGpu(fakeBuffer(size)));
    const pieces = Array(65536).fill({ source: 0, target: 0, length: 1 });
    const pairs = [{ from: asGpu(fakeBuffer(4)), to: asGpu(fakeBuffer(4)) }];
    assert.throws(() => mover.encode(encoder, pieces, pairs), /65535 pieces, got 65536/);
  });
});
