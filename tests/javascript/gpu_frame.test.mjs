import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoadedModel } from "../../wasm_bridge/model/loaded_model.mjs";
import { GpuGazeRunner } from "../../wasm_bridge/runner/gaze_gpu.mjs";
import { FrameResizer } from "../../wasm_bridge/runner/gpu_frame.mjs";
import { GpuGraph } from "../../wasm_bridge/runner/gpu_graph.mjs";

Object.assign(globalThis, {
  GPUBufferUsage: { STORAGE: 128, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, MAP_READ: 1 },
});

/** @typedef {{ size: number, bytes: Uint8Array, destroyed: boolean, destroy: () => void }} FakeBuffer */

/** A device whose buffers are arrays. */
function fakeDevice() {
  /** @type {FakeBuffer[]} */
  const buffers = [];
  const device = {
    buffers,
    lost: new Promise(() => {}),
    destroy() {},
    createBuffer: (/** @type {{ size: number }} */ { size }) => {
      const buffer = { size, bytes: new Uint8Array(size), destroyed: false, destroy: () => {} };
      buffer.destroy = () => {
        buffer.destroyed = true;
      };
      buffers.push(buffer);
      return buffer;
    },
    createCommandEncoder: () => {
      /** @type {(() => void)[]} */
      const commands = [];
      return {
        copyBufferToBuffer: (/** @type {any[]} */ ...[from, , to, , size]) =>
          commands.push(() => to.bytes.set(from.bytes.subarray(0, size))),
        finish: () => commands,
      };
    },
    queue: {
      writeBuffer: (/** @type {FakeBuffer} */ buffer, /** @type {number} */ _, /** @type {any} */ data) =>
        buffer.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      submit: (/** @type {(() => void)[][]} */ lists) => {
        for (const command of lists.flat()) command();
      },
    },
    createShaderModule: () => ({}),
    createComputePipeline: () => ({ getBindGroupLayout: () => ({}) }),
    createBindGroup: (/** @type {any} */ { entries }) =>
      entries.map((/** @type {any} */ { resource }) => resource.buffer),
  };
  return /** @type {any} */ (device);
}

const PASSES = /** @type {any} */ ([
  { kind: "normalise", width: 2, height: 2, stride: 64, along: "columns", taps: 1, table: 0, colours: 0 },
]);
const TABLES = Uint32Array.of(7);

/**
 * The pixels that the next frame is made of.
 * @param {FrameResizer} resizer
 * @param {any} [target]
 */
function sourceOf(resizer, target = { size: 48 }) {
  /** @type {number[][]} */
  const read = [];
  const pass = {
    setPipeline() {},
    setBindGroup: (/** @type {number} */ _, /** @type {FakeBuffer[]} */ bound) =>
      read.push([...(bound[2]?.bytes ?? [])]),
    dispatchWorkgroups() {},
    end() {},
  };
  resizer.encode(/** @type {any} */ ({ beginComputePass: () => pass }), target);
  return read[0];
}

/** @param {any} device @param {number[]} values */
function bufferOf(device, ...values) {
  const buffer = device.createBuffer({ size: values.length });
  buffer.bytes.set(values);
  return buffer;
}

describe("frames that are on the GPU", () => {
  test("are taken as they were when they were kept, and written ones as before", () => {
    const device = fakeDevice();
    const resizer = new FrameResizer(device, (size) => device.createBuffer({ size }));
    const frame = bufferOf(device, 1, 2, 3, 4);
    resizer.keep(frame);
    frame.bytes.fill(9);
    resizer.takeKept(PASSES, TABLES);
    assert.deepEqual(sourceOf(resizer), [1, 2, 3, 4]);
    resizer.keep(frame);
    assert.deepEqual(sourceOf(resizer), [1, 2, 3, 4], "the frame that is being resized stays");
    frame.bytes.fill(5);
    resizer.keep(frame);
    resizer.takeKept(PASSES);
    assert.deepEqual(sourceOf(resizer), [5, 5, 5, 5], "the newest one");
    resizer.take(PASSES, Uint8ClampedArray.of(6, 6, 6, 6));
    assert.deepEqual(sourceOf(resizer), [6, 6, 6, 6]);
  });

  test("are read through bindings that are made once for each of the buffers that take turns", () => {
    const device = fakeDevice();
    const resizer = new FrameResizer(device, (size) => device.createBuffer({ size }));
    let made = 0;
    const { createBindGroup } = device;
    device.createBindGroup = (/** @type {any} */ descriptor) => {
      made += 1;
      return createBindGroup(descriptor);
    };
    const target = /** @type {any} */ ({ size: 48 });
    for (let value = 1; value < 7; value++) {
      resizer.keep(bufferOf(device, value, value, value, value));
      resizer.takeKept(PASSES, value === 1 ? TABLES : undefined);
      assert.deepEqual(sourceOf(resizer, target), [value, value, value, value]);
    }
    assert.equal(made, 2);
    assert.deepEqual(sourceOf(resizer), [6, 6, 6, 6], "another target has its own");
    assert.equal(made, 3);
  });

  test("are taken once, and with tables where their size is new", () => {
    const device = fakeDevice();
    const resizer = new FrameResizer(device, (size) => device.createBuffer({ size }));
    assert.throws(() => resizer.takeKept(PASSES, TABLES), /no frame was kept/);
    resizer.keep(bufferOf(device, 1, 2, 3, 4));
    resizer.takeKept(PASSES, TABLES);
    assert.throws(() => resizer.takeKept(PASSES), /no frame was kept/);
    resizer.keep(bufferOf(device, 1, 2, 3, 4, 5, 6, 7, 8));
    assert.throws(() => resizer.takeKept(PASSES), /another size came without its tables/);
  });

  test("leave nothing on the GPU, whatever their sizes were", () => {
    const device = fakeDevice();
    const resizer = new FrameResizer(device, (size) => device.createBuffer({ size }));
    /** @type {Set<unknown>} */
    const frames = new Set();
    for (const values of [
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
      [1, 2, 3, 4],
    ]) {
      const frame = bufferOf(device, ...values);
      frames.add(frame);
      resizer.keep(frame);
      resizer.takeKept(PASSES, TABLES);
    }
    resizer.keep(/** @type {any} */ ([...frames][0]));
    resizer.close();
    for (const buffer of device.buffers) assert.equal(buffer.destroyed, !frames.has(buffer));
  });

  /** Python's bridge to a model on a device, and how often the device was given back. @param {any} device */
  function modelOn(device) {
    const returned = { count: 0 };
    const giveBack = () => {
      returned.count += 1;
    };
    const runner = new GpuGazeRunner(/** @type {any} */ ({}), { device, giveBack }, [], "", new Map());
    const started = { runner, backend: {}, graphs: "[]", notes: [] };
    const { bridge } = new LoadedModel({}, /** @type {any} */ (started), () => "");
    return { runner, bridge, returned };
  }

  test("are kept by a model on the same device, whose rows Python is told, and by no other", () => {
    const [device, other] = [fakeDevice(), fakeDevice()];
    const { runner, bridge } = modelOn(device);
    const buffer = bufferOf(device, 1, 2, 3, 4);
    const planeOn = (/** @type {any} */ where) => ({
      frame: () => ({ device: where, buffer, rowPixels: 64 }),
    });
    assert.equal(bridge.keep_frame(planeOn(other)), 0);
    assert.equal(bridge.keep_frame({ frame: () => undefined }), 0, "there is no frame yet");
    assert.throws(() => bridge.take_kept(JSON.stringify(PASSES), undefined), /no frame was kept/);
    assert.equal(bridge.keep_frame(planeOn(device)), 64);
    const tables = { getBuffer: () => ({ data: new Uint8Array(TABLES.buffer), release() {} }) };
    bridge.take_kept(JSON.stringify(PASSES), tables);
    assert.equal(runner.counters.bytesWritten, TABLES.byteLength, "no pixel is written");
    const remote = /** @type {any} */ ({ runner: { lost: new Promise(() => {}) }, backend: {} });
    assert.equal(new LoadedModel({}, remote, () => "").bridge.keep_frame(planeOn(device)), 0);
  });

  test("a graph whose session cannot be released frees its inputs all the same", async () => {
    const device = fakeDevice();
    const entry = { kind: "frame", inputs: { frame: [1, 3, 4, 4] }, outputs: {}, weights: [], steps: 1 };
    const session = { release: () => Promise.reject(new Error("it is in use")) };
    const makeBuffer = () => device.createBuffer({ size: 4, usage: 0 });
    const graph = new GpuGraph(
      /** @type {any} */ ({}),
      /** @type {any} */ (entry),
      /** @type {any} */ (session),
      true,
      makeBuffer,
    );
    await assert.rejects(graph.close(), /in use/);
    assert.deepEqual(
      device.buffers.map((/** @type {any} */ buffer) => buffer.destroyed),
      [true],
    );
  });

  test("do not keep a model from giving its device back", async () => {
    const { runner, returned } = modelOn(fakeDevice());
    await runner.close();
    assert.equal(returned.count, 1);
  });
});
