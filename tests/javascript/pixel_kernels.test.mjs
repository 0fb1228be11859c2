import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, mock, test } from "node:test";
import { fileURLToPath } from "node:url";
import { fetchKernels, installKernels, instantiateKernels } from "../../wasm_bridge/python/pixel_kernels.mjs";

const BRIDGE = fileURLToPath(new URL("../../wasm_bridge/", import.meta.url));
const PAGE = 65536;
const CANARY = 0xa5;
const [BLOCK_ROWS, BLOCK_BYTES] = [16, 128];

/** The module that the build makes of the text. */
function assemble() {
  const folder = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    const file = join(folder, "kernels.wasm");
    const program = join(BRIDGE, "node_modules/.bin/wat2wasm");
    execFileSync(program, [join(BRIDGE, "python/pixel_kernels.wat"), "--output", file]);
    return Uint8Array.from(readFileSync(file)).buffer;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const MODULE = assemble();

/** A memory in which whoever writes beside what was allocated is found out. */
class GuardedMemory {
  memory = new WebAssembly.Memory({ initial: 1 });
  #next = 1000; // a multiple of 8, as NumPy's addresses are
  /** @type {[number, number][]} */
  #gaps = [];

  /**
   * @param {number} bytes
   * @param {(index: number) => number} [value]
   */
  allocate(bytes, value = () => 0) {
    const [address, end] = [this.#next, this.#next + bytes];
    this.#next = Math.ceil((end + 64) / 8) * 8;
    const pages = Math.ceil(this.#next / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (pages > 0) this.memory.grow(pages);
    const all = new Uint8Array(this.memory.buffer);
    for (let index = 0; index < bytes; index++) all[address + index] = value(index);
    all.fill(CANARY, end, this.#next);
    this.#gaps.push([end, this.#next]);
    return address;
  }

  /**
   * @param {number} address
   * @param {number} bytes
   */
  bytes(address, bytes) {
    return new Uint8Array(this.memory.buffer, address, bytes);
  }

  assertGapsUntouched() {
    for (const [start, end] of this.#gaps) {
      assert(new Uint8Array(this.memory.buffer, start, end - start).every((byte) => byte === CANARY));
    }
  }
}

/** @param {number} seed */
function generator(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b9) >>> 0; // far apart for neighbouring seeds
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * Two random frames that are equal outside some rectangles, in rows of an even number of pixels.
 * @param {number} seed
 */
async function someFrames(seed) {
  const random = generator(seed);
  // Whole blocks now and then: every fourth width is a multiple of theirs.
  const width = seed % 4 ? 1 + random(150) : 32 * (1 + random(4));
  const height = 1 + random(70);
  const stride = 8 * Math.ceil(width / 2);
  const guarded = new GuardedMemory();
  const extreme = seed % 3 === 0;
  const byte = () => (extreme ? 255 * random(2) : random(256));
  const a = guarded.allocate(stride * height, byte);
  const copy = guarded.bytes(a, stride * height).slice();
  for (let change = random(4); change > 0; change--) {
    const [top, left] = [random(height), random(stride)];
    for (let y = top; y < Math.min(top + 1 + random(30), height); y++) {
      for (let x = left; x < Math.min(left + 1 + random(200), stride); x++) copy[y * stride + x] = byte();
    }
  }
  const b = guarded.allocate(stride * height, (index) => copy[index] ?? 0);
  const columns = Math.ceil(stride / BLOCK_BYTES);
  const blocks = columns * Math.ceil(height / BLOCK_ROWS);
  const kernels = /** @type {any} */ (await instantiateKernels(MODULE, guarded.memory));
  const blockOf = (/** @type {number} */ y, /** @type {number} */ x) =>
    Math.floor(y / BLOCK_ROWS) * columns + Math.floor(x / BLOCK_BYTES);
  const frames = () => [guarded.bytes(a, stride * height), guarded.bytes(b, stride * height)];
  return { random, width, height, stride, guarded, a, b, blocks, blockOf, kernels, frames };
}

const SEEDS = Array.from({ length: 120 }, (_, index) => index);

test("blocks with any different byte are found, and no others", async () => {
  for (const seed of SEEDS) {
    const { height, stride, guarded, a, b, blocks, blockOf, kernels, frames } = await someFrames(seed);
    const flags = guarded.allocate(blocks);
    kernels.changed_blocks(a, b, height, stride, flags);
    const expected = new Uint8Array(blocks);
    const [before, after] = frames();
    before?.forEach((value, index) => {
      if (value !== after?.[index]) expected[blockOf(Math.floor(index / stride), index % stride)] = 1;
    });
    assert.deepEqual(guarded.bytes(flags, blocks), expected, `seed ${seed}`);
    guarded.assertGapsUntouched();
  }
});

test("a single different bit is found wherever it is", async () => {
  const [height, stride] = [18, 8 * 19];
  const guarded = new GuardedMemory();
  const a = guarded.allocate(height * stride);
  const b = guarded.allocate(height * stride);
  const flags = guarded.allocate(4);
  const kernels = /** @type {any} */ (await instantiateKernels(MODULE, guarded.memory));
  for (let index = 0; index < height * stride; index++) {
    guarded.bytes(b, height * stride).fill(0)[index] = 1 << (index % 8);
    guarded.bytes(flags, 4).fill(0);
    kernels.changed_blocks(a, b, height, stride, flags);
    const block = 2 * Number(index / stride >= BLOCK_ROWS) + Number(index % stride >= BLOCK_BYTES);
    assert.deepEqual(
      [...guarded.bytes(flags, 4)],
      [0, 1, 2, 3].map((each) => Number(each === block)),
    );
  }
});

test("the squared errors of flagged blocks are exact, and the others stay as they were", async () => {
  for (const seed of SEEDS) {
    const { random, height, stride, guarded, a, b, blocks, blockOf, kernels, frames } =
      await someFrames(seed);
    const flags = guarded.allocate(blocks, () => Number(random(3) > 0));
    const errors = guarded.allocate(8 * blocks, () => 7);
    const old = new DataView(guarded.memory.buffer, errors).getBigInt64(0, true);
    kernels.squared_errors(a, b, height, stride, flags, errors);
    const flagged = guarded.bytes(flags, blocks);
    const expected = Array.from({ length: blocks }, (_, block) => (flagged[block] ? 0n : old));
    const [before, after] = frames();
    before?.forEach((value, index) => {
      const block = blockOf(Math.floor(index / stride), index % stride);
      if (index % 4 === 3 || !flagged[block]) return;
      expected[block] = (expected[block] ?? 0n) + BigInt((value - (after?.[index] ?? 0)) ** 2);
    });
    const view = new DataView(guarded.memory.buffer, errors);
    assert.deepEqual(
      expected.map((_, block) => view.getBigInt64(8 * block, true)),
      expected,
      `seed ${seed}`,
    );
    guarded.assertGapsUntouched();
  }
});

test("the largest error of a block is exact", async () => {
  const [height, stride] = [BLOCK_ROWS, BLOCK_BYTES];
  const guarded = new GuardedMemory();
  const a = guarded.allocate(height * stride);
  const b = guarded.allocate(height * stride, () => 255);
  const flags = guarded.allocate(1, () => 1);
  const errors = guarded.allocate(8);
  const kernels = /** @type {any} */ (await instantiateKernels(MODULE, guarded.memory));
  kernels.squared_errors(a, b, height, stride, flags, errors);
  const view = new DataView(guarded.memory.buffer, errors);
  assert.equal(view.getBigInt64(0, true), BigInt(16 * 32 * 3 * 255 ** 2));
});

test("the absolute differences of each atom are exact, from flagged blocks alone", async () => {
  for (const seed of SEEDS) {
    const { random, width, height, stride, guarded, a, b, blocks, blockOf, kernels, frames } =
      await someFrames(seed);
    const flags = guarded.allocate(blocks, () => Number(random(4) > 0));
    const edges = (/** @type {number} */ extent) => {
      const inner = Array.from({ length: random(9) }, () => random(extent));
      return [...new Set([0, ...inner, extent])].sort((x, y) => x - y);
    };
    const [rows, columns] = [edges(height), edges(width)];
    const place = (/** @type {number[]} */ numbers) => {
      const address = guarded.allocate(4 * numbers.length);
      const view = new DataView(guarded.memory.buffer, address);
      numbers.forEach((number, index) => {
        view.setInt32(4 * index, number, true);
      });
      return address;
    };
    const [rowEdges, columnEdges] = [place(rows), place(columns)];
    const [rowAtoms, columnAtoms] = [rows.length - 1, columns.length - 1];
    const lanes = guarded.allocate(2 * stride, () => 99);
    const sums = guarded.allocate(16 * rowAtoms * columnAtoms, () => 99);
    kernels.atom_differences(a, b, stride, flags, rowEdges, rowAtoms, columnEdges, columnAtoms, lanes, sums);
    const expected = new Uint32Array(4 * rowAtoms * columnAtoms);
    const flagged = guarded.bytes(flags, blocks);
    const [before, after] = frames();
    before?.forEach((value, index) => {
      const [y, x, colour] = [Math.floor(index / stride), Math.floor((index % stride) / 4), index % 4];
      if (colour === 3 || x >= width || !flagged[blockOf(y, index % stride)]) return;
      const row = rows.findLastIndex((edge) => edge <= y);
      const column = columns.findLastIndex((edge) => edge <= x);
      const atom = 4 * (row * columnAtoms + column) + colour;
      expected[atom] = (expected[atom] ?? 0) + Math.abs(value - (after?.[index] ?? 0));
    });
    const found = new Uint32Array(guarded.bytes(sums, 4 * expected.length).slice().buffer);
    assert.deepEqual(found, expected, `seed ${seed}`);
    guarded.assertGapsUntouched();
  }
});

test("the sums of the tallest atom do not overflow", async () => {
  const [width, height] = [3, 257];
  const stride = 16;
  const guarded = new GuardedMemory();
  const a = guarded.allocate(height * stride, () => 255);
  const b = guarded.allocate(height * stride);
  const flags = guarded.allocate(17, () => 1);
  const edges = guarded.allocate(16);
  new Int32Array(guarded.memory.buffer, edges, 4).set([0, height, 0, width]);
  const lanes = guarded.allocate(2 * stride);
  const sums = guarded.allocate(16);
  const kernels = /** @type {any} */ (await instantiateKernels(MODULE, guarded.memory));
  kernels.atom_differences(a, b, stride, flags, edges, 1, edges + 8, 1, lanes, sums);
  const sum = width * height * 255;
  assert.deepEqual([...new Uint32Array(guarded.bytes(sums, 16).slice().buffer)], [sum, sum, sum, 0]);
});

/**
 * Some rectangles of a frame, a few of them empty: top, left, bottom, right.
 * @param {Awaited<ReturnType<typeof someFrames>>} frame
 */
function someRectangles({ random, height, width }) {
  return Array.from({ length: random(6) }, () => {
    const [top, left] = [random(height), random(width)];
    return [top, left, top + random(height - top + 1), left + random(width - left + 1)];
  });
}

/**
 * The address of numbers of 32 bits.
 * @param {GuardedMemory} guarded
 * @param {number[]} numbers
 */
function placed(guarded, numbers) {
  const address = guarded.allocate(4 * numbers.length);
  const view = new DataView(guarded.memory.buffer, address);
  numbers.forEach((number, index) => {
    view.setUint32(4 * index, number, true);
  });
  return address;
}

test("rectangles are copied, and the pixels in each block counted", async () => {
  for (const seed of SEEDS) {
    const frame = await someFrames(seed);
    const { stride, guarded, a, b, blocks, blockOf, kernels, frames } = frame;
    const rectangles = someRectangles(frame);
    const [target, source] = frames();
    const expected = target?.slice() ?? [];
    const counts = new Uint32Array(blocks);
    for (const [top = 0, left = 0, bottom = 0, right = 0] of rectangles) {
      for (let y = top; y < bottom; y++) {
        for (let x = 4 * left; x < 4 * right; x++) {
          expected[y * stride + x] = source?.[y * stride + x] ?? 0;
          if (x % 4 === 0) counts[blockOf(y, x)] = (counts[blockOf(y, x)] ?? 0) + 1;
        }
      }
    }
    const copied = placed(guarded, Array(blocks).fill(0));
    kernels.copy_rectangles(a, b, stride, placed(guarded, rectangles.flat()), rectangles.length, copied);
    assert.deepEqual(frames()[0], expected, `seed ${seed}`);
    assert.deepEqual(new Uint32Array(guarded.bytes(copied, 4 * blocks).slice().buffer), counts);
    guarded.assertGapsUntouched();
  }
});

test("rectangles are filled with a pixel", async () => {
  for (const seed of SEEDS) {
    const frame = await someFrames(seed);
    const { stride, guarded, a, kernels, frames } = frame;
    const rectangles = someRectangles(frame);
    const expected = frames()[0]?.slice() ?? [];
    for (const [top = 0, left = 0, bottom = 0, right = 0] of rectangles) {
      for (let y = top; y < bottom; y++) {
        for (let x = 4 * left; x < 4 * right; x++) expected[y * stride + x] = [1, 2, 3, 255][x % 4] ?? 0;
      }
    }
    const boxes = placed(guarded, rectangles.flat());
    kernels.fill_rectangles(a, stride, boxes, rectangles.length, 0xff030201);
    assert.deepEqual(frames()[0], expected, `seed ${seed}`);
    guarded.assertGapsUntouched();
  }
});

test("rectangles are painted over each other, and nothing beside them", async () => {
  for (const seed of SEEDS) {
    const frame = await someFrames(seed);
    const { random, stride, guarded, a, b, kernels, frames } = frame;
    const rectangles = someRectangles(frame).map((rectangle) => [...rectangle, random(3)]);
    const source = random(2 ** 24 + 1);
    const rest = (2 ** 24 - source) * 255;
    const paints = [
      [source, source, source, 2 ** 24, random(rest + 1), rest, 2 ** 23 + 512, 0], // blended
      [0, 0, 0, 0, random(256) * 2 ** 24, 0, 255 * 2 ** 24, 255 * 2 ** 24], // opaque
      [2 ** 24, 2 ** 24, 2 ** 24, 2 ** 24, 0, 0, 0, 0], // the picture
    ].map((paint) => paint.map((number) => number % 2 ** 32));
    const [target, picture] = frames();
    const expected = target?.slice() ?? [];
    for (const [top = 0, left = 0, bottom = 0, right = 0, paint = 0] of rectangles) {
      for (let y = top; y < bottom; y++) {
        for (let x = 4 * left; x < 4 * right; x++) {
          const [weight = 0, addend = 0] = [paints[paint]?.[x % 4], paints[paint]?.[4 + (x % 4)]];
          const value = ((picture?.[y * stride + x] ?? 0) * weight + addend) % 2 ** 32;
          expected[y * stride + x] = Math.floor(value / 2 ** 24);
        }
      }
    }
    const [boxes, colours] = [placed(guarded, rectangles.flat()), placed(guarded, paints.flat())];
    kernels.paint_rectangles(a, b, stride, boxes, rectangles.length, colours);
    assert.deepEqual(frames()[0], expected, `seed ${seed}`);
    guarded.assertGapsUntouched();
  }
});

test("a frame may be painted on itself", async () => {
  const { height, width, stride, guarded, a, kernels, frames } = await someFrames(1);
  const before = frames()[0]?.slice() ?? [];
  const half = 2 ** 23;
  const numbers = [0, 0, height, width, 0, half, half, half, 2 ** 24, 0, 0, 0, 0];
  const place = guarded.allocate(4 * numbers.length);
  new Int32Array(guarded.memory.buffer, place, numbers.length).set(numbers);
  kernels.paint_rectangles(a, a, stride, place, 1, place + 20);
  const expected = before.map((value, index) => {
    const inside = index % stride < 4 * width && index % 4 < 3;
    return inside ? Math.floor(value / 2) : value;
  });
  assert.deepEqual(frames()[0], expected);
});

test("a dimmed frame has a quarter and an eighth of every colour, and its own alpha", async () => {
  for (const seed of SEEDS) {
    const { height, stride, guarded, a, b, kernels, frames } = await someFrames(seed);
    const frame = frames()[0] ?? new Uint8Array();
    const expected = frame.map((value, index) =>
      index % 4 === 3 ? value : Math.floor(value / 4) + Math.floor(value / 8),
    );
    kernels.dim(a, b, height * stride);
    assert.deepEqual(frames()[1], expected, `seed ${seed}`);
    guarded.assertGapsUntouched();
  }
});

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

test("the module is fetched as the build describes it", async () => {
  /** @type {unknown[]} */
  const asked = [];
  globalThis.fetch = async (...request) => {
    asked.push(...request);
    return new Response(MODULE);
  };
  const init = { integrity: "sha256-x" };
  const url = new URL("http://site/pixel_kernels.wasm");
  assert.deepEqual(await fetchKernels(url, init), MODULE);
  assert.deepEqual(asked, [url, init]);
});

test("Python gets functions that work in its own memory", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  /** @type {any[]} */
  const installed = [];
  const pyodide = {
    _module: { memory },
    pyimport: (/** @type {string} */ name) => ({
      install: (/** @type {any} */ exports) => installed.push(name, exports),
      destroy: () => installed.push("destroyed"),
    }),
  };
  assert.equal(await installKernels(pyodide, Promise.resolve(MODULE)), true);
  const [name, exports, end] = installed;
  assert.deepEqual([name, end], ["autogaze_web.page.simd_kernels", "destroyed"]);
  new Uint8Array(memory.buffer)[80] = 1;
  exports.changed_blocks(0, 64, 4, 16, 1024);
  assert.equal(new Uint8Array(memory.buffer)[1024], 1);
});

test("Python keeps NumPy without the module, without SIMD and without access to its memory", async () => {
  const pyodide = {
    _module: { memory: new WebAssembly.Memory({ initial: 1 }) },
    pyimport() {
      throw new Error("Python gets nothing");
    },
  };
  assert.equal(await installKernels(pyodide, Promise.resolve(undefined)), false);
  // What a browser without SIMD finds in the module: instructions that it does not know.
  assert.equal(await installKernels(pyodide, Promise.resolve(MODULE.slice(0, -9))), false);
  assert.equal(await installKernels({ ...pyodide, _module: {} }, Promise.resolve(MODULE)), false);
  globalThis.fetch = async () => new Response("", { status: 404 });
  assert.equal(await fetchKernels(new URL("http://site/")), undefined);
  globalThis.fetch = async () => {
    throw new TypeError("no network");
  };
  assert.equal(await fetchKernels(new URL("http://site/")), undefined);
});

test("Python starts without a module that does not come", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const installing = installKernels({}, new Promise(() => {}));
    mock.timers.tick(5000);
    assert.equal(await installing, false);
  } finally {
    mock.timers.reset();
  }
});
