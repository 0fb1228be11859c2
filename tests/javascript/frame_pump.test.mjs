import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FramePump } from "../../web/sources/frame_pump.mjs";

/** A pump whose captures end when the test says so. */
function pumpUnderTest() {
  /** @type {any[]} */
  const sent = [];
  /** @type {string[]} */
  const faults = [];
  /** @type {{ resolve: (frame: any) => void, reject: (error: Error) => void }[]} */
  const captures = [];
  const pump = new FramePump(
    () => new Promise((resolve, reject) => captures.push({ resolve, reject })),
    (frame) => sent.push(frame),
    (sentence) => faults.push(sentence),
  );
  return { pump, sent, faults, captures };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("FramePump", () => {
  test("captures at once while idle and sends what was captured", async () => {
    const { pump, sent, captures } = pumpUnderTest();
    pump.offer();
    captures[0]?.resolve("first");
    await settled();
    assert.deepEqual(sent, ["first"]);
    pump.done();
    assert(pump.latency > 0);
  });

  test("one frame is in progress, one waits, every further one replaces that", async () => {
    const { pump, sent, captures } = pumpUnderTest();
    for (let offers = 0; offers < 5; offers++) pump.offer();
    assert.equal(captures.length, 1, "only one capture at a time");
    assert.equal(pump.replaced, 3);
    captures[0]?.resolve("first");
    await settled();
    assert.equal(captures.length, 1, "the next frame is captured once the first is done");
    pump.done();
    captures[1]?.resolve("newest");
    await settled();
    assert.deepEqual(sent, ["first", "newest"]);
    pump.done();
    assert.equal(captures.length, 2, "nothing waits any more");
  });

  test("a frame offered while a capture finds none is captured next", async () => {
    const { pump, sent, captures } = pumpUnderTest();
    pump.offer();
    pump.offer();
    captures[0]?.resolve(null);
    await settled();
    captures[1]?.resolve("offered meanwhile");
    await settled();
    assert.deepEqual(sent, ["offered meanwhile"]);
  });

  test("a source without a frame leaves the pump idle", async () => {
    const { pump, sent, captures } = pumpUnderTest();
    pump.offer();
    captures[0]?.resolve(null);
    await settled();
    pump.offer();
    captures[1]?.resolve("next");
    await settled();
    assert.deepEqual(sent, ["next"]);
  });

  test("a failed capture is tried again, and reported once if captures keep failing", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    let now = 0;
    context.mock.method(performance, "now", () => now);
    const { pump, sent, faults, captures } = pumpUnderTest();
    pump.offer();
    for (now = 0; now < 1900; now += 100) {
      captures.at(-1)?.reject(new Error("no picture"));
      await settled();
      context.mock.timers.tick(100);
    }
    assert.deepEqual(faults, [], "a picture that is not there yet is no fault");
    for (; now < 3000; now += 100) {
      captures.at(-1)?.reject(new Error("no picture"));
      await settled();
      context.mock.timers.tick(100);
    }
    assert.deepEqual(faults, ["The source's picture could not be read (no picture)."]);
    captures.at(-1)?.resolve("next");
    await settled();
    assert.deepEqual(sent, ["next"]);
  });

  test("after stop nothing is captured, sent or reported, and a late picture is closed", async () => {
    const { pump, sent, faults, captures } = pumpUnderTest();
    let closed = 0;
    pump.offer();
    pump.stop();
    pump.offer();
    captures[0]?.resolve({ image: { close: () => closed++ } });
    await settled();
    assert.equal(captures.length, 1);
    assert.deepEqual([sent, faults, closed], [[], [], 1]);
    const other = pumpUnderTest();
    other.pump.offer();
    other.pump.stop();
    other.captures[0]?.reject(new Error("gone"));
    await settled();
    assert.deepEqual(other.faults, []);
  });
});
