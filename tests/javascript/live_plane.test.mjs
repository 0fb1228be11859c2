import assert from "node:assert/strict";
import test from "node:test";
import { DeviceLoss } from "../../wasm_bridge/live/device_loss.mjs";
import { LivePlane } from "../../wasm_bridge/live/live_plane.mjs";
import { openPlane } from "../../wasm_bridge/live/open_plane.mjs";

/** Runs without a GPU: what a browser without WebGPU says. */
const NO_WEBGPU = "This browser has no WebGPU, so the processor does the pixel work.";

/** @type {Promise<never>} */
const NEVER = new Promise(() => {});

test("a browser without WebGPU says once that the processor does the pixel work", async () => {
  /** @type {string[]} */
  const said = [];
  const session = { wants_gpu: true };
  const plane = new LivePlane(session, (message) => said.push(message));
  await plane.settle(90, 160);
  await plane.settle(90, 160);
  assert.deepEqual(said, [NO_WEBGPU]);
  assert.equal(plane.gpu, undefined);
  assert.equal(plane.fallBack(new Error("a fault of Python")), false, "Python has the pixels");
  plane.reconsider();
  session.wants_gpu = false;
  await plane.settle(90, 160);
  await plane.settleForRedraw();
  assert.equal(said.length, 1);
  session.wants_gpu = true;
  await plane.settle(90, 160);
  assert.deepEqual(said, [NO_WEBGPU, NO_WEBGPU], "it was asked for again");
});

/** A live plane on a graphics card that takes frames of up to 100 rows, and what was done with it. */
function livePlane() {
  /** @type {string[]} */
  const done = [];
  /** @type {string[]} */
  const said = [];
  const step = (/** @type {string} */ name) => () => {
    done.push(name);
  };
  const session = {
    wants_gpu: true,
    expect_frame: (/** @type {number} */ height) => done.push(`expect ${height}`),
    move_to_gpu: step("to gpu"),
    move_to_memory: step("to memory"),
    lose_gpu: step("lose"),
  };
  /** @type {(info: { message: string }) => void} */
  let lose = () => {};
  const device = /** @type {any} */ ({ name: "first" });
  /** The device of the model in use. @type {GPUDevice | undefined} */
  let modelDevice;
  const load = async (/** @type {any} */ model) => {
    /** @type {Promise<{ message: string }>} */
    const lost = new Promise((resolve) => {
      lose = resolve;
    });
    done.push(model ? `open with ${model.name}` : "open");
    return /** @type {any} */ ({
      plane: { close: step("close") },
      device: model ?? device,
      giveBack: step("give back"),
      loss: new DeviceLoss(lost),
      calls: {},
      refusal: (/** @type {number} */ height) => (height > 100 ? "The frames are too large." : ""),
    });
  };
  const plane = new LivePlane(
    session,
    (message) => said.push(message),
    () => modelDevice,
    load,
  );
  const useModel = (/** @type {any} */ on) => {
    modelDevice = on;
  };
  return { plane, session, done, said, device, useModel, lose: () => lose({ message: "unplugged" }) };
}

test("pixels move after the size of the next frame is known, and a card that is not used is given back", async () => {
  const { plane, session, done, said } = livePlane();
  await plane.settle(90, 160);
  await plane.settle(900, 160);
  assert.deepEqual(done.splice(0), [
    "open",
    "expect 90",
    "to gpu",
    "expect 900",
    "to memory",
    "close",
    "give back",
  ]);
  await plane.settle(900, 160);
  assert.equal(plane.gpu, undefined);
  session.wants_gpu = false;
  await plane.settle(900, 160);
  await plane.settle(900, 160);
  assert.deepEqual(done, ["open", "close", "give back"]);
  assert.deepEqual(said, ["The frames are too large."]);
});

test("what is drawn again is drawn where the next frame's pixels belong", async () => {
  const { plane, session, done } = livePlane();
  await plane.settle(90, 160);
  await plane.settleForRedraw();
  assert.deepEqual(done.splice(0), ["open", "expect 90", "to gpu"]);
  session.wants_gpu = false;
  await plane.settleForRedraw();
  assert.deepEqual(done, ["to memory", "close", "give back"]);
});

test("pixels follow a model to its device, and stay where a model shares theirs", async () => {
  const { plane, done, device, useModel } = livePlane();
  await plane.settle(90, 160);
  useModel(device);
  await plane.settle(90, 160);
  useModel(undefined);
  await plane.settle(90, 160);
  assert.deepEqual(done.splice(0), ["open", "expect 90", "to gpu"]);
  useModel({ name: "second" });
  await plane.settle(45, 160);
  await plane.settle(45, 160);
  const [there, back] = [
    ["open with second", "expect 45", "to gpu"],
    ["expect 45", "to memory", "close", "give back"],
  ];
  assert.deepEqual(done, [...back, ...there]);
});

test("a graphics card that fails while pixels move is given up, and the frame is processed", async () => {
  for (const there of [false, true]) {
    const { plane, session, done, said } = livePlane();
    const fail = async () => {
      throw new Error("it has no memory.");
    };
    if (there) {
      await plane.settle(90, 160);
      Object.assign(session, { wants_gpu: false, move_to_memory: fail });
    } else Object.assign(session, { move_to_gpu: fail });
    await plane.settle(90, 160);
    assert.equal(plane.gpu, undefined);
    assert.deepEqual(done.slice(-3), ["lose", "close", "give back"]);
    assert.deepEqual(said, [
      "The graphics card could not be used (it has no memory), so the processor does the pixel work.",
    ]);
  }
});

test("a fault that is not the graphics card's leaves the pixels there", async () => {
  const { plane, done, said, lose } = livePlane();
  await plane.settle(90, 160);
  assert.equal(plane.fallBack(new Error("a fault of Python")), false);
  assert.notEqual(plane.gpu, undefined);
  plane.tellOfLostFrame();
  assert.deepEqual(said, []);
  lose();
  await assert.rejects(plane.wait(NEVER), /unplugged/);
  assert.equal(plane.fallBack(new Error("what Python makes of it")), true);
  assert.deepEqual(done.slice(-3), ["lose", "close", "give back"]);
  assert.deepEqual(said, [], "the stream goes on");
  assert.match(String(plane.failure), /unplugged/);
  plane.tellOfLostFrame();
  assert.deepEqual(said, [
    "The graphics card failed, and this frame is lost with it: press Start to go on with the processor.",
  ]);
});

test("a graphics card that fails without being lost says why, unless the browser's own promise did", async () => {
  for (const [error, sentences] of /** @type {[Error, string[]][]} */ ([
    [
      new Error("it has no memory for frames of 160x90 pixels"),
      [
        "The graphics card could not be used (it has no memory for frames of 160x90 pixels), so the processor does the pixel work.",
      ],
    ],
    [new DOMException("mapping was aborted", "AbortError"), []],
  ])) {
    const { plane, said } = livePlane();
    await plane.settle(90, 160);
    await assert.rejects(plane.wait(Promise.reject(error)));
    assert.equal(plane.fallBack(new Error("what Python makes of it")), true);
    assert.deepEqual(said, sentences);
    await plane.settle(90, 160);
    assert.equal(plane.gpu, undefined);
    await plane.settle(45, 80);
    assert.equal(plane.gpu !== undefined, sentences.length > 0, "smaller frames may fit its memory");
  }
});

test("a device on which the plane cannot be made is given back", async () => {
  let destroyed = 0;
  const device = {
    lost: NEVER,
    createShaderModule: () => ({}),
    createComputePipelineAsync: async () => {
      throw new Error("a shader does not compile.");
    },
    destroy: () => {
      destroyed += 1;
    },
  };
  const adapter = {
    info: { architecture: "", description: "" },
    limits: {},
    features: new Set(),
    requestDevice: async () => device,
  };
  const gpu = { requestAdapter: async () => adapter };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  try {
    await assert.rejects(openPlane(), {
      message:
        "The graphics card could not be used (a shader does not compile), so the processor does the pixel work.",
    });
  } finally {
    Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  }
  assert.equal(destroyed, 1);
});

test("only a real graphics card draws through a canvas, and only if that draws what it is given", async () => {
  /** @type {string[]} */
  let contexts = [];
  let draws = true;
  /** What was written last, as a picture without padding. @type {Uint8Array} */
  let written = new Uint8Array();
  let closed = 0;
  const scope = /** @type {any} */ (globalThis);
  scope.GPUTextureUsage = { COPY_DST: 2, RENDER_ATTACHMENT: 16 };
  scope.GPUBufferUsage = { COPY_SRC: 4, COPY_DST: 8 };
  scope.OffscreenCanvas = class {
    getContext(/** @type {string} */ kind) {
      contexts.push(kind);
      /** @type {Uint8Array} */
      let drawn = new Uint8Array(16);
      return {
        configure() {},
        unconfigure: () => contexts.push("unconfigured"),
        getCurrentTexture: () => ({}),
        save() {},
        restore() {},
        fillRect: () => drawn.fill(255),
        drawImage: (/** @type {{ pixels: Uint8Array }} */ { pixels }) => {
          drawn = pixels;
        },
        getImageData: () => ({ data: drawn }),
      };
    }
    // Drawn on another canvas as it is, or as a bitmap.
    get pixels() {
      return draws ? written : new Uint8Array(16);
    }
    transferToImageBitmap() {
      const close = () => {
        closed += 1;
      };
      return { pixels: this.pixels, close };
    }
  };
  const device = {
    lost: NEVER,
    limits: {},
    createShaderModule: () => ({}),
    createComputePipelineAsync: async () => ({ getBindGroupLayout: () => ({}) }),
    createBuffer: () => ({ destroy() {} }),
    createCommandEncoder: () => ({ copyBufferToTexture() {}, finish() {} }),
    queue: {
      submit() {},
      writeBuffer: (/** @type {unknown} */ _, /** @type {number} */ __, /** @type {Uint8Array} */ rows) => {
        written = Uint8Array.of(...rows.subarray(0, 8), ...rows.subarray(256, 264));
      },
    },
  };
  /** @type {object} */
  let info;
  const adapter = () => ({ info, limits: {}, features: new Set(), requestDevice: async () => device });
  const gpu = { requestAdapter: async () => adapter() };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  try {
    for (info of [
      { architecture: "swiftshader", description: "" },
      { isFallbackAdapter: true, architecture: "", description: "" },
    ])
      await openPlane();
    assert.deepEqual(contexts, []);
    info = { architecture: "ampere", description: "" };
    await openPlane();
    // A canvas that stays, and one that only shows whether the page's own canvases can be drawn.
    assert.deepEqual(contexts, ["webgpu", "2d", "webgpu", "2d", "unconfigured"]);
    contexts = [];
    draws = false; // as one whose pixels are transparent
    await openPlane();
    const given = ["webgpu", "2d", "unconfigured"];
    assert.deepEqual([contexts, closed], [[...given, ...given], 2], "panels are read back");
  } finally {
    Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  }
});
