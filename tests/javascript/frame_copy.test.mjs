import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { FrameCopier } from "../../wasm_bridge/panels/frame_copy.mjs";

const { VideoFrame: before } = /** @type {any} */ (globalThis);
const SIZE = { width: 4, height: 2 };
const BYTES = 32;

/** A frame whose pixels all have one value, and which counts its copies. */
class Frame {
  format = "I420";
  codedWidth = SIZE.width;
  codedHeight = SIZE.height;
  displayWidth = SIZE.width;
  displayHeight = SIZE.height;
  visibleRect = { ...SIZE };
  colorSpace = { toJSON: () => ({ matrix: "bt709" }) };
  copies = 0;

  /** @param {object} [changes] */
  constructor(changes = {}) {
    Object.assign(this, changes);
  }

  /** @param {{ format?: string }} how */
  allocationSize({ format }) {
    return format === "RGBA" ? BYTES : 12;
  }

  /** @param {Uint8ClampedArray} memory */
  async copyTo(memory) {
    this.copies += 1;
    memory.fill(7);
  }
}

/** @param {Frame} frame @param {FrameCopier} copier @param {{ mirror?: boolean, drawn?: number, memory?: any }} how */
async function copied(frame, copier = new FrameCopier(), { mirror = false, drawn = 7, memory } = {}) {
  Object.assign(globalThis, { VideoFrame: Frame });
  const rows = memory ?? new Uint8ClampedArray(BYTES);
  let draws = 0;
  const draw = () => {
    draws += 1;
    return new Uint8ClampedArray(BYTES).fill(drawn);
  };
  const done = await copier.copy(/** @type {any} */ (frame), { ...SIZE, mirror }, rows, draw);
  return { done, draws, rows };
}

afterEach(() => Object.assign(globalThis, { VideoFrame: before }));

test("a kind of frame is copied once its first copy was equal to a drawing", async () => {
  const copier = new FrameCopier();
  const first = await copied(new Frame(), copier);
  const second = await copied(new Frame(), copier);
  assert.deepEqual([first.done, first.draws], [true, 1]);
  assert.deepEqual([second.done, second.draws], [true, 0]);
  assert.deepEqual([...second.rows], Array(BYTES).fill(7));
});

test("a kind whose copy differs from a drawing is not copied again; other kinds are", async () => {
  const copier = new FrameCopier();
  const other = new Frame({ colorSpace: { toJSON: () => ({ matrix: "smpte170m" }) } });
  const again = new Frame();
  assert.equal((await copied(new Frame(), copier, { drawn: 8 })).done, false);
  assert.equal((await copied(again, copier)).done, false);
  assert.equal(again.copies, 0);
  assert.equal((await copied(other, copier)).done, true);
});

test("a frame that is displayed otherwise than it is stored is drawn", async () => {
  for (const changes of [
    { format: null },
    { format: "BGRA" },
    { rotation: 90 },
    { flip: true },
    { displayWidth: 8 },
    { displayHeight: 4 },
    { visibleRect: null },
    { visibleRect: { width: 2, height: 2 } },
    { visibleRect: { width: 4, height: 1 } },
  ]) {
    const frame = new Frame(changes);
    assert.equal((await copied(frame)).done, false, JSON.stringify(changes));
    assert.equal(frame.copies, 0);
  }
  assert.equal((await copied(new Frame(), undefined, { mirror: true })).done, false);
});

test("a picture that is no video frame is drawn, also where there are no video frames", async () => {
  const picture = /** @type {any} */ ({ ...SIZE });
  assert.equal((await copied(picture)).done, false);
  Object.assign(globalThis, { VideoFrame: undefined });
  const rows = new Uint8ClampedArray(BYTES);
  assert.equal(await new FrameCopier().copy(picture, SIZE, rows, () => rows), false);
});

test("browsers that ignore or refuse the format draw", async () => {
  assert.equal((await copied(new Frame({ allocationSize: () => 12 }))).done, false);
  const refuse = () => {
    throw new TypeError("no such format");
  };
  assert.equal((await copied(new Frame({ allocationSize: refuse }))).done, false);
  const copier = new FrameCopier();
  const failing = new Frame({ copyTo: () => Promise.reject(new Error("no")) });
  assert.equal((await copied(failing, copier)).done, false);
  const next = new Frame();
  assert.equal((await copied(next, copier)).done, false);
  assert.equal(next.copies, 0, "what failed is not tried again");
  assert.equal(copier.takes(/** @type {any} */ (next), SIZE), false);
});

test("rows with padding are drawn", async () => {
  assert.equal((await copied(new Frame(), undefined, { memory: new Uint8ClampedArray(40) })).done, false);
});

test("a memory that grew meanwhile makes this frame be drawn, and the next one is copied", async () => {
  for (const end of [() => Promise.resolve(), () => Promise.reject(new TypeError("it is detached"))]) {
    const copier = new FrameCopier();
    const rows = new Uint8ClampedArray(BYTES);
    const grow = new Frame({
      copyTo: async () => {
        structuredClone(rows.buffer, { transfer: [rows.buffer] });
        return end();
      },
    });
    const lost = await copied(grow, copier, { memory: rows });
    assert.deepEqual([lost.done, lost.draws], [false, 0]);
    assert.equal((await copied(new Frame(), copier)).done, true);
  }
});
