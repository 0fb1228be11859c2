import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AnswerBuffers } from "../../wasm_bridge/plane/answer_buffers.mjs";
import { cellSumsJob, joinParts } from "../../wasm_bridge/plane/cell_sums.mjs";
import { outputJob } from "../../wasm_bridge/plane/draw_output.mjs";
import { columnsOf, frameShape, refusal } from "../../wasm_bridge/plane/frame_shape.mjs";
import { latticeTable } from "../../wasm_bridge/plane/lattice_table.mjs";
import { maskJob, PAINTS } from "../../wasm_bridge/plane/paint_mask.mjs";

const LATTICE = { rows: [0, 1, 3], columns: [0, 2, 3, 5], atoms: Uint8Array.of(0, 1, 0, 7, 0, 255) };

describe("frames in buffers", () => {
  test("rows begin at multiples of 256 bytes, blocks at the edges are smaller", () => {
    assert.deepEqual(frameShape(17, 65), {
      height: 17,
      width: 65,
      stride: 128,
      bytes: 4 * 128 * 17,
      blockRows: 2,
      blockColumns: 3,
    });
    assert.equal(frameShape(2160, 3840).stride, 3840);
  });

  test("what a device cannot hold is refused with a sentence", () => {
    // What every device has.
    const limits = {
      maxBufferSize: 256 * 2 ** 20,
      maxStorageBufferBindingSize: 128 * 2 ** 20,
      maxTextureDimension2D: 8192,
    };
    assert.equal(refusal(limits, 2160, 3840), "");
    assert.equal(refusal(limits, 4096, 8192), "");
    assert.match(refusal(limits, 4097, 8192), /^Frames of 8192x4097 pixels are too large for this graphics/);
    assert.match(refusal(limits, 1, 8193), /too large/);
    assert.match(refusal({ ...limits, maxBufferSize: 2 ** 20 }, 1080, 1920), /too large/);
  });

  test("a box is cut from whole rows", () => {
    const rows = Uint8Array.from({ length: 2 * 64 * 4 }, (_, i) => (i >> 2) % 64);
    assert.deepEqual([...columnsOf(rows, 64, 5, 7)], [5, 5, 5, 5, 6, 6, 6, 6, 5, 5, 5, 5, 6, 6, 6, 6]);
  });
});

describe("lattices", () => {
  test("each row and column of pixels has its atom, and four atoms a number", () => {
    const table = latticeTable(LATTICE, 3, 5);
    assert.deepEqual([...table.subarray(0, 8)], [0, 1, 1, 0, 0, 1, 2, 2]);
    assert.deepEqual([...new Uint8Array(table.buffer, 4 * 8)], [0, 1, 0, 7, 0, 255, 0, 0]);
  });

  test("a lattice that does not fit would be read beyond its end", () => {
    const flags = Uint8Array.of(1, 0, 1);
    assert.throws(
      () => latticeTable({ ...LATTICE, atoms: flags }, 3, 5),
      /6 atoms has a byte for each, got 3/,
    );
    assert.throws(() => latticeTable(LATTICE, 3, 6), /a frame of 6x3 pixels covers it, got 5x3/);
    assert.throws(() => latticeTable({ rows: [], columns: [], atoms: flags }, 3, 6), /covers it/);
  });

  test("jobs of the output", () => {
    const shape = frameShape(3, 5);
    const { job, groups } = outputJob({ kind: "keyframe" }, shape);
    assert.deepEqual([...job], [5, 3, 64, 0, 0, 0, 0, 1]);
    assert.deepEqual(groups, [1, 1, 1]);
    const copy = outputJob({ kind: "copy", lattice: LATTICE }, shape).job;
    assert.deepEqual([...copy.subarray(0, 10)], [5, 3, 64, 1, 0, 0, 3, 1, 0, 1]);
    const weights = { source: 2 ** 24 - 2, addend: 4_286_578_688 };
    const lighten = outputJob({ kind: "lighten", lattice: LATTICE, weights }, shape).job;
    assert.deepEqual([...lighten.subarray(3, 8)], [2, 2 ** 24 - 2, 4_286_578_688, 3, 1]);
  });

  test("the paints of the mask lie behind its lattice", () => {
    const paints = Uint32Array.of(PAINTS.clear, 0, 0, 0, PAINTS.opaque, 1, 2, 3);
    const shape = frameShape(9, 33);
    const lattice = { rows: [0, 9], columns: [0, 33], atoms: Uint8Array.of(1) };
    const { job, groups } = maskJob({ lattice, paints, weight: 7 }, shape);
    assert.deepEqual([...job.subarray(0, 6)], [33, 9, 64, 7, 1, 43]);
    assert.deepEqual([...job.subarray(8 + 43)], [...paints]);
    assert.deepEqual(groups, [2, 2, 1]);
  });
});

describe("sums of cells", () => {
  const edges = { rowFirst: [0, 2], rowEnd: [3, 5], columnFirst: [0, 3], columnEnd: [4, 7] };

  test("edges of both axes, and as many slices as the largest cell needs", () => {
    const { job, groups, bytes } = cellSumsJob(edges, 64, 65535);
    assert.deepEqual([...job], [2, 64, 1, 0, 0, 2, 3, 5, 0, 3, 4, 7]);
    assert.deepEqual([groups, bytes], [[2, 2, 1], 4 * 6 * 4]);
    const whole = { rowFirst: [0], rowEnd: [2160], columnFirst: [0], columnEnd: [3840] };
    assert.deepEqual(cellSumsJob(whole, 3840, 65535).groups, [1, 1, 4050]);
    assert.deepEqual(cellSumsJob(whole, 3840, 4000).groups, [1, 1, 4000], "no more than a device allows");
  });

  test("parts are joined beyond 32 bits", () => {
    const parts = Uint32Array.of(0, 9, 1, 65536, 2 ** 32 - 1, 2 ** 32 - 1);
    assert.deepEqual([...joinParts(parts)], [9, 131072, (2 ** 32 - 1) * 65537]);
  });
});

describe("answers", () => {
  /** A device whose buffers are mapped when `land` is called. */
  function fakeDevice() {
    /** @type {any[]} */
    const buffers = [];
    /** @type {[resolve: () => void, reject: (error: Error) => void][]} */
    const waiting = [];
    const encoder = {
      copyBufferToBuffer: (/** @type {any[]} */ ...copy) => copies.push(copy),
      finish: () => "",
    };
    /** @type {any[]} */
    const copies = [];
    const device = {
      queue: { submit: () => {} },
      createBuffer: (/** @type {{ size: number }} */ { size }) => {
        const buffer = {
          size,
          destroyed: false,
          destroy: () => {
            buffer.destroyed = true;
          },
          mapAsync: () => new Promise((resolve, reject) => waiting.push([() => resolve(undefined), reject])),
          getMappedRange: () => new Uint8Array(size).fill(buffers.indexOf(buffer)).buffer,
          unmap: () => {},
        };
        buffers.push(buffer);
        return buffer;
      },
    };
    const land = () => {
      for (const [resolve] of waiting.splice(0)) resolve();
    };
    return {
      device: /** @type {any} */ (device),
      encoder: /** @type {any} */ (encoder),
      buffers,
      copies,
      land,
      waiting,
    };
  }
  Object.assign(globalThis, { GPUBufferUsage: { MAP_READ: 1, COPY_DST: 8 }, GPUMapMode: { READ: 1 } });
  const source = /** @type {any} */ ({});

  test("one after the other they use one buffer, at once one each", async () => {
    const { device, encoder, buffers, copies, land } = fakeDevice();
    const answers = new AnswerBuffers(device);
    for (let i = 0; i < 3; i++) {
      const answer = answers.read(encoder, source, 8, 16);
      land();
      assert.equal((await answer).byteLength, 8);
    }
    assert.equal(buffers.length, 1);
    assert.deepEqual(copies[0], [source, 16, buffers[0], 0, 8]);
    const both = Promise.all([answers.read(encoder, source, 8), answers.read(encoder, source, 8)]);
    land();
    const [one, other] = await both;
    assert.notDeepEqual(new Uint8Array(one), new Uint8Array(other));
    assert.equal(buffers.length, 2);
  });

  test("buffers of sizes that are read no more are freed", async () => {
    const { device, encoder, buffers, land } = fakeDevice();
    const answers = new AnswerBuffers(device);
    for (let size = 4; size <= 4 * 20; size += 4) {
      const answer = answers.read(encoder, source, size);
      land();
      await answer;
    }
    assert.equal(buffers.filter(({ destroyed }) => !destroyed).length, 6);
  });

  test("freed, they are gone, those awaited too once they are there", async () => {
    const { device, encoder, buffers, land } = fakeDevice();
    const answers = new AnswerBuffers(device);
    const first = answers.read(encoder, source, 4);
    land();
    await first;
    const awaited = answers.read(encoder, source, 8);
    answers.free();
    land();
    assert.equal((await awaited).byteLength, 8);
    assert.ok(buffers.every(({ destroyed }) => destroyed));
  });

  test("a lost device rejects them", async () => {
    const { device, encoder, buffers, waiting } = fakeDevice();
    const answer = new AnswerBuffers(device).read(encoder, source, 4);
    waiting[0]?.[1](new Error("lost"));
    await assert.rejects(answer, /lost/);
    assert.ok(buffers[0].destroyed);
  });
});
