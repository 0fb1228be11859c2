import assert from "node:assert/strict";
import test from "node:test";
import { DeviceLoss } from "../../wasm_bridge/live/device_loss.mjs";
import { planeCalls } from "../../wasm_bridge/live/plane_calls.mjs";

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

test("pictures are copied before Python has the thread again, which may reuse their memory", async () => {
  const { asked, plane } = askedPlane();
  const calls = planeCalls(plane, new DeviceLoss(NEVER));
  const memory = Uint8Array.of(1, 2, 3, 4);
  const received = calls.receive(proxy(memory), 1, 1);
  calls.write("mask", proxy(memory));
  memory.fill(9);
  await received;
  assert.deepEqual(
    asked.map((call) => call.find((/** @type {any} */ part) => part instanceof Uint8ClampedArray)),
    [Uint8ClampedArray.of(1, 2, 3, 4), Uint8ClampedArray.of(1, 2, 3, 4)],
  );
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
