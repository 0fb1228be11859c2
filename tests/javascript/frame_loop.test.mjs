import assert from "node:assert/strict";
import test from "node:test";
import { FrameLoop } from "../../wasm_bridge/live/frame_loop.mjs";

/** A loop over a session whose pixels are on a graphics card until it fails. */
function loopOnGpu(/** @type {any} */ session, /** @type {any} */ panels) {
  const plane = {
    gpu: /** @type {object | undefined} */ ({}),
    settle: async () => {},
    settleForRedraw: async () => {},
    told: 0,
    tellOfLostFrame() {
      this.told += 1;
    },
    fallBack() {
      const used = this.gpu !== undefined;
      this.gpu = undefined;
      return used;
    },
  };
  const serializer = { run: (/** @type {() => any} */ task) => task() };
  const host = { model: undefined };
  const parts = /** @type {any[]} */ ([session, host, panels, plane, serializer]);
  const Loop = /** @type {any} */ (FrameLoop);
  return { loop: /** @type {FrameLoop} */ (new Loop(...parts)), plane };
}

const FRAME = { synthetic: "synthetic-pan", index: 0, width: 4, height: 2 };

test("a frame at which the graphics card fails is taken again and processed by Python", async () => {
  /** @type {string[]} */
  const steps = [];
  const session = {
    restart() {},
    process_on_gpu: async () => {
      steps.push("on gpu");
      throw new Error("The GPU was lost.");
    },
    process: () => {
      steps.push("in memory");
      return JSON.stringify({ index: 0 });
    },
  };
  const panels = { take: async () => steps.push("take"), show: async () => steps.push("show") };
  const { loop } = loopOnGpu(session, panels);
  const report = await loop.process(0, FRAME, () => {});
  assert.deepEqual(steps, ["take", "on gpu", "take", "in memory", "show"]);
  assert.equal(report?.pixels, "cpu");
});

test("a fault of Python alone is the frame's", async () => {
  const session = {
    restart() {},
    process: () => {
      throw new Error("a fault");
    },
  };
  const { loop, plane } = loopOnGpu(session, { take: async () => {} });
  plane.gpu = undefined;
  await assert.rejects(
    loop.process(0, FRAME, () => {}),
    /a fault/,
  );
});

test("panels that a lost graphics card cannot draw stay, and nothing is drawn again", async () => {
  const session = {
    restart() {},
    process_on_gpu: async () => JSON.stringify({ index: 0 }),
    redraw: async () => {
      if (plane.gpu) throw new Error("The GPU was lost.");
      return null;
    },
  };
  const show = async () => {
    throw new Error("The GPU was lost.");
  };
  const { loop, plane } = loopOnGpu(session, { take: async () => {}, show });
  assert.equal((await loop.process(0, FRAME, () => {}))?.pixels, "gpu");
  assert.equal(plane.gpu, undefined);
  plane.gpu = {};
  assert.equal(await loop.redraw(false, () => {}), null);
  assert.equal(plane.gpu, undefined);
  assert.equal(plane.told, 0, "nobody has asked for it");
  assert.equal(await loop.redraw(true, () => {}), null);
  assert.equal(plane.told, 1);
});

test("panels are not copied for a recording once the graphics card that drew them is lost", async () => {
  const session = { restart() {}, process_on_gpu: async () => JSON.stringify({ index: 0 }) };
  let copies = 0;
  let lost = "while shown";
  const fail = async () => {
    throw new Error("The GPU was lost.");
  };
  const panels = {
    take: async () => {},
    show: () => (lost === "while shown" ? fail() : undefined),
    copy: () => {
      copies += 1;
      return lost === "while copied" ? fail() : "the panels";
    },
  };
  const { loop, plane } = loopOnGpu(session, panels);
  const recording = loop.recorder.record(1, false);
  assert.equal((await loop.process(0, FRAME, () => {}))?.index, 0);
  assert.deepEqual([copies, plane.gpu], [0, undefined]);
  for (lost of ["while copied", "not"]) {
    plane.gpu = {};
    assert.equal((await loop.process(0, FRAME, () => {}))?.index, 0);
  }
  assert.equal(copies, 2);
  assert.deepEqual(await recording, ["the panels"]);
});
