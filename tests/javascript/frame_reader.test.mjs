import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrameReader } from "../../web/sources/frame_reader.mjs";

describe("FrameReader", () => {
  const reader = (/** @type {number[]} */ times) =>
    new FrameReader(/** @type {any} */ ({ dispose() {} }), /** @type {any} */ ({}), times);

  test("the frame at a time is the last one that begins by then, also of uneven times", () => {
    const times = [0, 0.04, 0.05, 0.2, 0.21, 1.5];
    const frames = reader(times);
    for (let time = 0; time < 2; time += 0.005) {
      const expected = times.filter((each) => each <= time + 1e-4).length - 1;
      assert.equal(frames.indexAt(time), expected, `${time} s`);
    }
    assert.equal(frames.indexAt(-1), 0);
    assert.equal(frames.count, 6);
  });

  test("every frame is found at its own time, though that was rounded to microseconds", () => {
    for (const rate of [23.976, 25, 29.97, 30, 59.94, 120]) {
      const frames = reader(Array.from({ length: 500 }, (_, index) => index / rate));
      for (let index = 0; index < frames.count; index++) {
        assert.equal(frames.indexAt(Math.floor(frames.timeOf(index) * 1e6) / 1e6), index);
      }
    }
  });

  test("frames in order are decoded by one pass, others by a search", async () => {
    /** @type {string[]} */
    const calls = [];
    let closed = 0;
    const sample = {
      displayWidth: 4,
      displayHeight: 2,
      rotation: 0,
      toVideoFrame: () => "picture",
      close: () => closed++,
    };
    const sink = {
      async *samples(/** @type {number} */ time) {
        calls.push(`from ${time}`);
        for (;;) yield sample;
      },
      getSample: async (/** @type {number} */ time) => {
        calls.push(`at ${time}`);
        return sample;
      },
    };
    const frames = new FrameReader(
      /** @type {any} */ ({ dispose() {} }),
      /** @type {any} */ (sink),
      [0, 1, 2, 3, 4],
    );
    for (const index of [0, 1, 2, 4]) {
      assert.deepEqual(await frames.frame(index), { image: "picture", width: 4, height: 2 });
    }
    assert.deepEqual(calls, ["at 0", "from 1", "at 4"]);
    assert.equal(closed, 4, "decoded frames are freed");
    frames.close();
  });
});
