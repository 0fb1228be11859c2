import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrameReader } from "../../web/sources/frame_reader.mjs";

describe("FrameReader", () => {
  /** @param {number[]} times @returns {any} */
  const table = (times) => ({
    times,
    sampleTimes: times,
    keys: times.map((_, index) => index % 3 === 0),
    lastDuration: 0.5,
  });
  const reader = (/** @type {number[]} */ times) =>
    new FrameReader(/** @type {any} */ ({ dispose() {} }), /** @type {any} */ ({}), table(times));

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
    const sample = (/** @type {number} */ timestamp) => ({
      timestamp,
      displayWidth: 4,
      displayHeight: 2,
      rotation: 0,
      flip: false,
      toVideoFrame: () => "picture",
      close: () => closed++,
    });
    const sink = {
      async *samples(/** @type {number} */ time) {
        calls.push(`from ${time}`);
        for (let index = time; ; index++) {
          if (index === 4) throw new Error("damaged");
          yield sample(index);
        }
      },
      getSample: async (/** @type {number} */ time) => {
        calls.push(`at ${Math.floor(time)}`);
        return sample(Math.floor(time));
      },
    };
    const frames = new FrameReader(
      /** @type {any} */ ({ dispose() {} }),
      /** @type {any} */ (sink),
      table([0, 1, 2, 3, 4]),
    );
    for (const index of [0, 1, 2, 0, 1, 2, 3, 4]) {
      assert.deepEqual(await frames.frame(index), { image: "picture", width: 4, height: 2 });
    }
    // The decoder works ahead: where it stops, the frame is looked for by itself.
    assert.deepEqual(calls, ["at 0", "from 1", "at 0", "from 1", "at 4"]);
    assert.equal(closed, 8, "decoded frames are freed");
    frames.close();
  });

  test("a frame is shown until the next one, the last one for its own duration", () => {
    const frames = reader([0, 0.5, 4.5]);
    assert.deepEqual(
      [0, 1, 2].map((index) => frames.durationOf(index)),
      [0.5, 4, 0.5],
    );
  });

  test("behind damage it goes on with the next frame that needs no other", () => {
    const frames = reader([0, 1, 2, 3, 4]);
    assert.deepEqual(
      [frames.resumeAfter(0), frames.resumeAfter(2), frames.resumeAfter(3)],
      [3, 3, undefined],
    );
  });
});
