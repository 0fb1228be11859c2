import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { CanvasRequests } from "../../wasm_bridge/live/canvas_requests.mjs";
import { ShownPanels } from "../../wasm_bridge/live/shown_panels.mjs";
import { GpuScreens } from "../../wasm_bridge/plane/gpu_screens.mjs";

/** What happened, in order. @type {string[]} */
let done = [];

/** A canvas that has one kind of context for good, as a browser's. */
class FakeCanvas {
  width = 300;
  height = 150;
  kind = "";

  /** @param {string} [name] */
  constructor(name = "copy") {
    this.name = name;
  }

  /** @param {string} kind */
  getContext(kind) {
    if (this.kind && this.kind !== kind) return null;
    this.kind = kind;
    const { name } = this;
    if (kind === "2d") return { putImageData: () => done.push(`${name}: pixels`) };
    return {
      configure: (/** @type {any} */ { device }) => done.push(`${name}: on ${device.name}`),
      getCurrentTexture: () => name,
      unconfigure: () => done.push(`${name}: freed`),
    };
  }
}

const canvases = (/** @type {string} */ kind) =>
  /** @type {any} */ ({
    input: new FakeCanvas(`${kind} input`),
    mask: new FakeCanvas(`${kind} mask`),
    output: new FakeCanvas(`${kind} output`),
  });

/** @param {string} name */
function fakeDevice(name) {
  return {
    name,
    createCommandEncoder: () => ({
      copyBufferToTexture: (/** @type {any} */ { buffer }, /** @type {any} */ { texture }) =>
        done.push(`${buffer} on ${texture}`),
      finish: () => "commands",
    }),
    queue: { submit: () => done.push("submitted") },
  };
}

const SHAPE = /** @type {any} */ ({ width: 64, height: 48, stride: 64, bytes: 64 * 48 * 4 });

/** A plane that has drawn a frame. @param {any} [how] */
function fakePlane({ device = fakeDevice("card"), drawsOnScreens = true } = {}) {
  const pictures = /** @type {any} */ ({ frame: "frame", mask: "mask panel", output: "rebuilt" });
  return /** @type {any} */ ({
    drawsOnScreens,
    shape: SHAPE,
    showOn: (/** @type {GpuScreens} */ screens) => screens.show(/** @type {any} */ (device), pictures, SHAPE),
    show: async () => done.push("drawn through a canvas"),
    readBack: async (/** @type {string} */ name) => {
      done.push(`read ${name}`);
      return new Uint8ClampedArray(SHAPE.bytes);
    },
  });
}

/** A page that has new canvases to give, or none. */
function page({ gives = true } = {}) {
  const requests = new CanvasRequests((drawn) => {
    done.push(`wants ${drawn}`);
    queueMicrotask(() => requests.receive(gives ? canvases(drawn) : null));
  });
  const open = async (/** @type {any} */ given) => new GpuScreens(given);
  return { requests, shown: new ShownPanels(canvases("first"), requests, open) };
}

beforeEach(() => {
  done = [];
  Object.assign(globalThis, {
    OffscreenCanvas: class extends FakeCanvas {
      name = "copy";
    },
    ImageData: class {},
    GPUTextureUsage: { COPY_DST: 2, RENDER_ATTACHMENT: 16 },
  });
});

/** @param {ShownPanels} shown @param {any} gpu */
async function showGpu(shown, gpu) {
  await shown.forGpu(gpu);
  await shown.showGpu(gpu, 64, 48);
}

const DRAWN = ["frame on webgpu input", "mask panel on webgpu mask", "rebuilt on webgpu output", "submitted"];
/** @param {string} device */
const drawnFirst = (device) =>
  ["input", "mask", "output"].flatMap((panel, i) => [`webgpu ${panel}: on ${device}`, DRAWN[i]]);

describe("ShownPanels", () => {
  test("the graphics card draws on canvases of its own, with one submission a frame", async () => {
    const { shown } = page();
    const gpu = fakePlane();
    await showGpu(shown, gpu);
    assert.deepEqual(done, ["wants webgpu", ...drawnFirst("card"), "submitted"]);
    done = [];
    await showGpu(shown, gpu);
    assert.deepEqual(done, DRAWN);
  });

  test("canvases follow to another device", async () => {
    const { shown } = page();
    await showGpu(shown, fakePlane());
    done = [];
    await showGpu(shown, fakePlane({ device: fakeDevice("second") }));
    assert.deepEqual(done, [...drawnFirst("second"), "submitted"]);
  });

  test("pixels in memory get 2D canvases again, blank ones", async () => {
    const { shown } = page();
    const first = await shown.inMemory();
    assert.equal(/** @type {any} */ (first.input.canvas).name, "first input");
    await showGpu(shown, fakePlane());
    done = [];
    const again = await shown.inMemory();
    assert.equal(/** @type {any} */ (again.output.canvas).name, "2d output");
    assert.deepEqual(done, ["webgpu input: freed", "webgpu mask: freed", "webgpu output: freed", "wants 2d"]);
    assert.equal(await shown.inMemory(), again);
  });

  test("a page without others keeps its canvases, and is asked once", async () => {
    const { shown, requests } = page({ gives: false });
    await showGpu(shown, fakePlane());
    await showGpu(shown, fakePlane());
    assert.deepEqual(done, ["wants webgpu", "drawn through a canvas", "drawn through a canvas"]);
    assert.equal(requests.possible, false);
  });

  test("a device that cannot draw on canvases is not given any", async () => {
    const { shown } = page();
    await showGpu(shown, fakePlane({ drawsOnScreens: false }));
    assert.deepEqual(done, ["drawn through a canvas"]);
  });

  test("canvases that show nothing are given up", async () => {
    const { shown, requests } = page();
    await showGpu(shown, fakePlane());
    requests.possible = false;
    done = [];
    await showGpu(shown, fakePlane());
    assert.deepEqual(done.slice(-2), ["wants 2d", "drawn through a canvas"]);
  });

  test("canvases that cannot be drawn by WebGPU after all are replaced once more, and no others are asked for", async () => {
    const requests = new CanvasRequests((drawn) => {
      done.push(`wants ${drawn}`);
      queueMicrotask(() => requests.receive(canvases(drawn)));
    });
    const shown = new ShownPanels(canvases("first"), requests, () => Promise.reject(new Error("no context")));
    await showGpu(shown, fakePlane());
    await showGpu(shown, fakePlane());
    assert.deepEqual(done, ["wants webgpu", "wants 2d", "drawn through a canvas", "drawn through a canvas"]);
    assert.equal(/** @type {any} */ ((await shown.inMemory()).mask.canvas).name, "2d mask");
  });

  test("there are no pictures of panels that were lost with the graphics card", async () => {
    const { shown } = page();
    await showGpu(shown, fakePlane());
    await assert.rejects(shown.pictures(undefined), /lost with it: press Start/);
  });

  test("panels that were forgotten are put whole", async () => {
    const { shown } = page();
    const { mask } = await shown.inMemory();
    const memory = new Uint8ClampedArray(64 * 48 * 4);
    const count = () => {
      done = [];
      mask.putPixels(memory, 64, 48, []);
      return done.length;
    };
    assert.deepEqual([count(), count()], [1, 0]);
    shown.forget();
    assert.deepEqual([count(), count()], [1, 0]);
  });

  test("whoever draws the panels elsewhere gets their pixels, which are read for that alone", async () => {
    const { shown } = page();
    const gpu = fakePlane();
    const before = await shown.pictures(gpu);
    assert.equal(/** @type {any} */ (before.mask.canvas).name, "first mask");
    await showGpu(shown, gpu);
    done = [];
    const { mask } = await shown.pictures(gpu);
    assert.deepEqual([mask.canvas.width, mask.canvas.height], [64, 48]);
    assert.deepEqual(done.toSorted(), [
      ...Array(3).fill("copy: pixels"),
      "read frame",
      "read mask",
      "read output",
    ]);
  });
});
