import assert from "node:assert/strict";
import test from "node:test";
import { FrameLoop } from "../../wasm_bridge/live/frame_loop.mjs";

/** A loop over a session whose pixels are on a graphics card until it fails. */
function loopOnGpu(
  /** @type {any} */ session,
  /** @type {any} */ panels,
  /** @type {any} */ model = undefined,
) {
  const plane = {
    gpu: /** @type {object | undefined} */ ({}),
    settle: async () => {},
    settleForRedraw: async () => {},
    told: 0,
    tellOfLostFrame() {
      this.told += 1;
    },
    failure: /** @type {unknown} */ (undefined),
    fallBack(/** @type {unknown} */ error) {
      const used = this.gpu !== undefined;
      this.gpu = undefined;
      this.failure = error;
      return used;
    },
  };
  const serializer = { run: (/** @type {() => any} */ task) => task() };
  const host = { model };
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
    begin_on_gpu: async () => {
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
  assert.equal(report?.pixelsFailure, "The GPU was lost.");
});

test("Python learns which frame it may have got already: the one that is taken again, not the next", async () => {
  /** @type {unknown[][]} */
  const calls = [];
  const session = {
    restart() {},
    begin_with_model: async (/** @type {any} */ _answer, /** @type {unknown[]} */ ...place) => {
      calls.push(place);
      if (calls.length === 1) throw new Error("The GPU was lost.");
      return JSON.stringify({ index: 0 });
    },
  };
  const model = { runner: { counters: {} } };
  const { loop } = loopOnGpu(session, { take: async () => {}, show: async () => {} }, model);
  await loop.process(0, FRAME, () => {});
  await loop.process(0, FRAME, () => {});
  assert.deepEqual(
    calls.map(([, , again]) => again),
    [false, true, false],
  );
});

test("the wait for a run is used once a frame, and not after it", async () => {
  /** @type {string[]} */
  const steps = [];
  /** @type {{ counters: object, onWait?: (() => void) | undefined }} */
  const runner = { counters: {} };
  const session = {
    restart() {},
    use_wait: () => steps.push("use"),
    begin_with_model: async () => {
      steps.push("run");
      runner.onWait?.();
      runner.onWait?.();
      return JSON.stringify({ index: 0 });
    },
  };
  const { loop } = loopOnGpu(session, { take: async () => {}, show: async () => {} }, { runner });
  await loop.process(0, FRAME, () => {});
  await loop.process(0, FRAME, () => {});
  assert.deepEqual(steps, ["run", "use", "run", "use"]);
  session.begin_with_model = async () => JSON.stringify({ index: 0 });
  await loop.process(0, FRAME, () => {});
  assert.equal(runner.onWait, undefined);
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
    begin_on_gpu: async () => JSON.stringify({ index: 0 }),
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
  const session = { restart() {}, begin_on_gpu: async () => JSON.stringify({ index: 0 }) };
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

test("pixels move before a frame is taken and before it is drawn again, for its own size", async () => {
  /** @type {unknown[]} */
  const steps = [];
  const session = {
    restart() {},
    begin_on_gpu: async () => JSON.stringify({ index: 0 }),
    redraw: async () => steps.push("redraw") && JSON.stringify({ index: 0 }),
  };
  const { loop, plane } = loopOnGpu(session, {
    take: async () => steps.push("take"),
    show: async () => {},
  });
  Object.assign(plane, {
    settle: async (/** @type {number[]} */ ...size) => steps.push(size),
    settleForRedraw: async () => steps.push("settle"),
  });
  const report = await loop.process(0, FRAME, () => {});
  assert.ok(report && !("pixelsFailure" in report));
  await loop.redraw(true, () => {});
  assert.deepEqual(steps, [[2, 4], "take", "settle", "redraw"]);
});

test("a picture is closed once, whatever becomes of its frame", async () => {
  let closed = 0;
  const image = { close: () => (closed += 1) };
  const frame = /** @type {any} */ ({ image, width: 4, height: 2, position: { time: 0.5, loop: 3 } });
  /** @type {unknown[]} */
  const places = [];
  const process = async (/** @type {unknown[]} */ ...place) => {
    places.push(place);
    if (closed === 2) throw new Error("a fault");
    return JSON.stringify({ index: 0 });
  };
  const session = { restart() {}, process: process, process_on_gpu: process };
  const { loop, plane } = loopOnGpu(session, { take: async () => {}, show: async () => {} });
  await loop.process(0, frame, () => {});
  assert.equal(closed, 1);
  await loop.process(7, frame, () => {});
  assert.equal(closed, 2, "of another stream");
  plane.gpu = undefined;
  await assert.rejects(
    loop.process(0, frame, () => {}),
    /a fault/,
  );
  assert.equal(closed, 3);
  assert.deepEqual(places, [
    [0.5, 3],
    [0.5, 3],
  ]);
});
