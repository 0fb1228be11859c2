import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { SAMPLE } from "../../wasm_bridge/plane/canvas_sample.mjs";
import { GpuPlane } from "../../wasm_bridge/plane/gpu_plane.mjs";

// The shaders are tested in a browser (tests/browser/test_gpu_plane.py); here, what is made and freed around them.

const USAGES = {
  GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 },
  GPUTextureUsage: { COPY_SRC: 1, COPY_DST: 2, RENDER_ATTACHMENT: 16 },
  GPUMapMode: { READ: 1 },
};

/** What is on the GPU, and what was done there in order. @type {{ live: Set<any>, done: string[], error: object | null }} */
let gpu;

/** @param {{ size: any }} descriptor */
function resource({ size }) {
  const made = {
    size,
    destroy: () => gpu.live.delete(made),
    mapAsync: async () => {},
    getMappedRange: () => new ArrayBuffer(size),
    unmap: () => {},
  };
  gpu.live.add(made);
  return made;
}

/** @returns {any} a device on which nothing is computed */
function fakeDevice() {
  const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} };
  const encoder = () => ({
    beginComputePass: () => pass,
    clearBuffer() {},
    copyBufferToBuffer() {},
    copyTextureToBuffer() {},
    copyBufferToTexture: () => gpu.done.push("copy to the canvas"),
    finish: () => "commands",
  });
  return {
    limits: { maxComputeWorkgroupsPerDimension: 65535 },
    queue: { submit() {}, writeBuffer() {}, writeTexture() {}, copyExternalImageToTexture() {} },
    createBuffer: resource,
    createTexture: resource,
    createShaderModule: () => ({}),
    createComputePipelineAsync: async () => ({ getBindGroupLayout: () => ({}) }),
    createBindGroup: () => ({}),
    createCommandEncoder: encoder,
    pushErrorScope() {},
    popErrorScope: async () => gpu.error,
  };
}

/** @param {number} height @param {number} width */
const rows = (height, width) => new Uint8Array(4 * height * width);
const EDGES = { rowFirst: [0], rowEnd: [9], columnFirst: [0], columnEnd: [9] };
/** @type {any} */
const DRAWING = { output: { kind: "keyframe" }, mask: null, errors: true };

beforeEach(() => {
  gpu = { live: new Set(), done: [], error: null };
  Object.assign(globalThis, USAGES);
});

describe("GpuPlane", () => {
  test("frames of another size take the place of those before, and the end frees all", async () => {
    const plane = await GpuPlane.create(fakeDevice(), { canvases: false });
    /** @type {number[]} */
    const counts = [];
    for (const [height, width] of [
      [9, 9],
      [9, 9],
      [18, 9],
      [9, 18],
    ]) {
      await plane.receive(rows(Number(height), Number(width)), Number(height), Number(width));
      await plane.cellSums(EDGES);
      await plane.draw(DRAWING);
      await plane.readBack("output", [0, 0, 1, 1]);
      counts.push(gpu.live.size);
    }
    assert.deepEqual(
      counts,
      counts.map(() => counts[0]),
      "the buffers for answers have few sizes",
    );
    plane.close();
    assert.equal(gpu.live.size, 0);
  });

  test("sums of a larger grid take the place of those of a smaller one", async () => {
    const plane = await GpuPlane.create(fakeDevice(), { canvases: false });
    await plane.receive(rows(9, 9), 9, 9);
    const grid = (/** @type {number} */ g) =>
      plane.cellSums({ ...EDGES, rowFirst: new Int32Array(g), rowEnd: new Int32Array(g).fill(9) });
    assert.equal((await grid(2)).length, 12);
    const live = gpu.live.size;
    assert.equal((await grid(3)).length, 27);
    assert.equal(gpu.live.size, live + 1, "but for one more buffer for answers");
  });

  test("rows that lie as the plane's own are written without a texture between", async () => {
    const device = fakeDevice();
    /** @type {string[]} */
    const ways = [];
    Object.assign(device.queue, {
      writeBuffer: (/** @type {any} */ buffer) => ways.push(`buffer of ${buffer.size}`),
      writeTexture: () => ways.push("texture"),
    });
    const plane = await GpuPlane.create(device, { canvases: false });
    await plane.receive(rows(3, 64), 3, 64);
    await plane.receive(rows(3, 65), 3, 65);
    plane.write("mask", rows(3, 128)); // a row may have more pixels than the frame is wide
    assert.deepEqual(ways, ["buffer of 768", "texture", "buffer of 1536"]);
  });

  test("nothing can be asked before the first frame or where there is no memory for it", async () => {
    const plane = await GpuPlane.create(fakeDevice(), { canvases: false });
    await assert.rejects(plane.draw(DRAWING), /has received no frame/);
    gpu.error = {};
    await assert.rejects(plane.receive(rows(9, 9), 9, 9), /no memory for frames of 9x9 pixels/);
    assert.equal(gpu.live.size, 0);
    await assert.rejects(plane.cellSums(EDGES), /has received no frame/);
  });

  test("an empty box has no pixels, and only wanted errors are read", async () => {
    const plane = await GpuPlane.create(fakeDevice(), { canvases: false });
    await plane.receive(rows(9, 9), 9, 9);
    const live = gpu.live.size;
    assert.equal((await plane.readBack("mask", [3, 3, 3, 5])).length, 0);
    assert.equal((await plane.draw({ ...DRAWING, errors: false })).length, 0);
    assert.equal(gpu.live.size, live + 1, "the job of the drawing");
  });

  test("with canvases, each picture goes through one that has its size", async () => {
    /** @type {any} */
    let canvas;
    class FakeCanvas {
      constructor(/** @type {number} */ width, /** @type {number} */ height) {
        Object.assign(this, { width, height });
        canvas ??= this; // the other one is drawn on while it is checked
      }
      getContext() {
        return {
          configure: (/** @type {{ alphaMode: string }} */ { alphaMode }) => gpu.done.push(alphaMode),
          getCurrentTexture: () => gpu.done.push(`texture of ${canvas.width}x${canvas.height}`),
          unconfigure: () => gpu.done.push("freed"),
          save() {},
          restore() {},
          fillRect() {},
          drawImage: () => gpu.done.push("checked"),
          getImageData: () => ({ data: SAMPLE }),
        };
      }
      transferToImageBitmap = () => ({ close: () => gpu.done.push("closed") });
    }
    Object.assign(globalThis, { OffscreenCanvas: FakeCanvas });
    const plane = await GpuPlane.create(fakeDevice(), { canvases: true });
    assert.deepEqual(gpu.done.splice(0), [
      "premultiplied",
      "texture of 2x2",
      "copy to the canvas",
      "checked",
      "closed",
      "premultiplied",
      "texture of 2x2",
      "copy to the canvas",
      "checked",
      "freed",
    ]);
    assert.equal(gpu.live.size, 0);
    assert.equal(plane.drawsOnScreens, true);
    await plane.receive(rows(9, 18), 9, 18);
    /** @type {any} */
    const context = {
      save() {},
      restore() {},
      drawImage: () => gpu.done.push(`drawn in place (${context.globalCompositeOperation})`),
    };
    await plane.show({ mask: context, output: context });
    plane.close();
    const each = ["texture of 18x9", "copy to the canvas", "drawn in place (copy)", "closed"];
    assert.deepEqual(gpu.done, [...each, ...each, "freed"]);
  });

  test("a browser that draws nothing of a canvas of WebGPU is not trusted to show one", async () => {
    let drawn = SAMPLE;
    Object.assign(globalThis, {
      OffscreenCanvas: class {
        getContext = () => ({
          configure() {},
          getCurrentTexture() {},
          unconfigure() {},
          save() {},
          restore() {},
          fillRect() {},
          drawImage: (/** @type {any} */ source) => {
            drawn = "isBitmap" in source ? SAMPLE : new Uint8ClampedArray(SAMPLE.length);
          },
          getImageData: () => ({ data: drawn }),
        });
        transferToImageBitmap = () => ({ isBitmap: true, close() {} });
      },
    });
    const plane = await GpuPlane.create(fakeDevice(), { canvases: true });
    assert.equal(plane.drawsOnScreens, false);
  });

  test("a browser without such canvases is told apart", async () => {
    Object.assign(globalThis, {
      OffscreenCanvas: class {
        getContext = () => null;
      },
    });
    await assert.rejects(
      GpuPlane.create(fakeDevice(), { canvases: true }),
      /cannot draw with WebGPU in a worker/,
    );
  });
});
