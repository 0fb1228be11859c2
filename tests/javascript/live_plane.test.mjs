import assert from "node:assert/strict";
import test from "node:test";
import { DeviceLoss } from "../../wasm_bridge/live/device_loss.mjs";
import { FrameLoop } from "../../wasm_bridge/live/frame_loop.mjs";
import { LivePlane } from "../../wasm_bridge/live/live_plane.mjs";
import { openPlane } from "../../wasm_bridge/live/open_plane.mjs";
import { planeCalls } from "../../wasm_bridge/live/plane_calls.mjs";

/** Runs without a GPU: what a browser without WebGPU says. */
const NO_WEBGPU = "This browser has no WebGPU, so the processor does the pixel work.";

/** @param {any} array */
const proxy = (array) => ({
  getBuffer: () => ({
    data: new Uint8ClampedArray(array.buffer, array.byteOffset, array.byteLength),
    release() {},
  }),
});

/** A plane that says what it is asked. */
function askedPlane() {
  /** @type {any[]} */
  const asked = [];
  const answer =
    (/** @type {string} */ name) =>
    (/** @type {any[]} */ ...args) => {
      asked.push([name, ...args]);
      return Promise.resolve(name);
    };
  const names = ["cellSums", "draw", "readBack", "receive", "write"];
  return { asked, plane: /** @type {any} */ (Object.fromEntries(names.map((name) => [name, answer(name)]))) };
}

/** @type {Promise<never>} */
const NEVER = new Promise(() => {});

/**
 * @param {any} header
 * @param {[string, Int32Array | Uint8Array][]} arrays
 */
function packed(header, arrays) {
  const bytes = new Uint8Array(arrays.reduce((sum, [, array]) => sum + array.byteLength, 0));
  let start = 0;
  const feeds = arrays.map(([name, array]) => {
    bytes.set(new Uint8Array(array.buffer), start);
    start += array.byteLength;
    return [
      name,
      array instanceof Int32Array ? "int32" : "uint8",
      start - array.byteLength,
      array.byteLength,
    ];
  });
  return /** @type {const} */ ([JSON.stringify({ ...header, feeds }), proxy(bytes)]);
}

test("requests reach the plane as they were packed", async () => {
  const { asked, plane } = askedPlane();
  const calls = planeCalls(plane, new DeviceLoss(NEVER));
  const edges = Int32Array.of(0, 3);
  assert.equal(await calls.execute(...packed({ kind: "cellSums" }, [["rowFirst", edges]])), "cellSums");
  const box = [1, 2, 3, 4];
  await calls.execute(...packed({ kind: "readBack", which: "mask", box }, []));
  await calls.receive(proxy(Uint8Array.of(1, 2, 3, 4)), 1, 1);
  calls.write("output", proxy(Uint8Array.of(5)));
  assert.deepEqual(asked, [
    ["cellSums", { rowFirst: edges }],
    ["readBack", "mask", box],
    ["receive", Uint8ClampedArray.of(1, 2, 3, 4), 1, 1],
    ["write", "output", Uint8ClampedArray.of(5)],
  ]);
});

test("a drawing has a lattice where it needs one, and colours of 32 bits without a sign", async () => {
  const { asked, plane } = askedPlane();
  const calls = planeCalls(plane, new DeviceLoss(NEVER));
  await calls.execute(...packed({ kind: "draw", errors: false, output: { kind: "keyframe" } }, []));
  const lines = Int32Array.of(0, 8);
  /** @type {[string, Int32Array | Uint8Array][]} */
  const arrays = [
    ["paints", Int32Array.of(4, -1, 2, 3)],
    ["maskRows", lines],
    ["maskColumns", lines],
    ["outputRows", lines],
    ["outputColumns", lines],
    ["outputAtoms", Uint8Array.of(1)],
    ["maskAtoms", Uint8Array.of(0)],
  ];
  await calls.execute(...packed({ kind: "draw", errors: true, output: { kind: "copy" }, weight: 7 }, arrays));
  const lattice = { rows: lines, columns: lines };
  assert.deepEqual(asked, [
    ["draw", { errors: false, output: { kind: "keyframe" }, mask: null }],
    [
      "draw",
      {
        errors: true,
        output: { kind: "copy", lattice: { ...lattice, atoms: Uint8ClampedArray.of(1) } },
        mask: {
          lattice: { ...lattice, atoms: Uint8ClampedArray.of(0) },
          paints: Uint32Array.of(4, 0xffffffff, 2, 3),
          weight: 7,
        },
      },
    ],
  ]);
});

/** @type {Promise<{ message: string }>} */
const LOST = Promise.resolve({ message: "unplugged" });

test("an answer that never comes from a lost device fails", async () => {
  const plane = /** @type {any} */ ({ readBack: () => NEVER, receive: () => NEVER });
  const calls = planeCalls(plane, new DeviceLoss(LOST));
  await assert.rejects(calls.execute(...packed({ kind: "readBack", which: "mask", box: [] }, [])), /lost/);
  await assert.rejects(calls.receive(proxy(Uint8Array.of(1)), 1, 1), /lost/);
});

test("work that a lost device cannot have done fails although it says nothing", async () => {
  const { plane } = askedPlane();
  const loss = new DeviceLoss(LOST);
  const calls = planeCalls(plane, loss);
  const draw = packed({ kind: "draw", errors: false, output: { kind: "keyframe" } }, []);
  await assert.rejects(calls.execute(...draw), /lost: unplugged/);
  await assert.rejects(calls.receive(proxy(Uint8Array.of(1)), 1, 1), /lost: unplugged/);
  await assert.rejects(loss.until(Promise.reject(new Error("another fault"))), /lost: unplugged/);
});

test("nothing is kept of answers that came, or that failed", async () => {
  let lose = (/** @type {{ message: string }} */ _info) => {};
  const loss = new DeviceLoss(
    new Promise((resolve) => {
      lose = resolve;
    }),
  );
  const answers = Array.from({ length: 50 }, (_, i) => loss.until(Promise.resolve(i)));
  const failing = loss.until(Promise.reject(new Error("no memory")));
  assert.equal(loss.awaited, 51);
  assert.deepEqual(
    await Promise.all(answers),
    answers.map((_, i) => i),
  );
  await assert.rejects(failing, /no memory/);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(loss.awaited, 0);
  assert.equal(loss.happened, false);
  const unanswered = loss.until(NEVER);
  lose({ message: "unplugged" });
  await assert.rejects(unanswered, /lost: unplugged/);
  assert.equal(loss.awaited, 0);
  assert.equal(loss.happened, true);
});

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
  const load = async () => {
    /** @type {Promise<{ message: string }>} */
    const lost = new Promise((resolve) => {
      lose = resolve;
    });
    done.push("open");
    return /** @type {any} */ ({
      plane: { close: step("close") },
      device: { destroy: step("destroy") },
      loss: new DeviceLoss(lost),
      calls: {},
      refusal: (/** @type {number} */ height) => (height > 100 ? "The frames are too large." : ""),
    });
  };
  const plane = new LivePlane(session, (message) => said.push(message), load);
  return { plane, session, done, said, lose: () => lose({ message: "unplugged" }) };
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
    "destroy",
  ]);
  await plane.settle(900, 160);
  assert.equal(plane.gpu, undefined);
  session.wants_gpu = false;
  await plane.settle(900, 160);
  await plane.settle(900, 160);
  assert.deepEqual(done, ["open", "close", "destroy"]);
  assert.deepEqual(said, ["The frames are too large."]);
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
  assert.deepEqual(done.slice(-3), ["lose", "close", "destroy"]);
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
