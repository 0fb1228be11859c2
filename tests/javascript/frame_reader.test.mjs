import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrameReader, readFrames } from "../../web/sources/frame_reader.mjs";

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

describe("readFrames, of a container without an index", () => {
  /**
   * @param {{ timestamp: number, duration?: number, type?: string, isMissing?: boolean }[]} packets in decoding order
   * @param {Record<string, unknown>} [changes] of the setup
   */
  async function read(packets, changes) {
    /** @type {any[]} */
    const progress = [];
    class EncodedPacketSink {
      async *packets(_start = undefined, _end = undefined, { metadataOnly = false } = {}) {
        for (const { isMissing, ...packet } of packets) {
          if (isMissing && !metadataOnly) return;
          yield { duration: 0.1, type: "delta", ...packet };
        }
      }
    }
    const setup = {
      signal: new AbortController().signal,
      duration: 100,
      isCut: false,
      onProgress: (/** @type {any} */ each) => progress.push(each),
      ...changes,
    };
    const library = /** @type {any} */ ({ EncodedPacketSink });
    const frames = await readFrames(
      library,
      new Blob(["not an MP4"]),
      /** @type {any} */ ({ id: 1 }),
      /** @type {any} */ (setup),
    );
    return { frames, progress };
  }

  /** @param {number} count */
  const many = (count) => Array.from({ length: count }, (_, index) => ({ timestamp: index / 10 }));

  test("frames are in the order of their times, and those before zero are not shown", async () => {
    const { frames } = await read([
      { timestamp: 0, type: "key" },
      { timestamp: 0.3 },
      { timestamp: -0.1, type: "key" },
      { timestamp: 0.1, duration: 0.2 },
    ]);
    assert.deepEqual(frames.times, [0, 0.1, 0.3]);
    assert.deepEqual(frames.keys, [true, false, false]);
    assert.equal(frames.lastDuration, 0.1);
  });

  test("of a file that was cut off, the frames that the decoder holds back do not come", async () => {
    const packets = [0, 0.3, 0.1, 0.2, 0.6, 0.4, 0.5].map((timestamp) => ({ timestamp }));
    const times = async (/** @type {number} */ missing) =>
      (
        await read(
          packets.map((packet, index) => ({ ...packet, isMissing: index >= missing })),
          { isCut: true },
        )
      ).frames.times;
    assert.deepEqual(await times(7), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    assert.deepEqual(await times(6), [0, 0.1, 0.2, 0.3, 0.4]);
    assert.deepEqual(await times(2), [0], "the missing one belongs before the second");
    assert.deepEqual(await times(1), [0]);
    const { frames } = await read(packets, { isCut: true });
    assert.equal(frames.cut, true);
    assert.deepEqual((await read([], { isCut: true })).frames.times, []);
  });

  test("progress is a share of the duration where the file has one", async () => {
    const shares = async (/** @type {number} */ duration) =>
      (await read(many(1000), { duration })).progress.map(({ frames, share }) => [
        frames,
        share && Math.round(share * 1000) / 1000,
      ]);
    assert.deepEqual(await shares(100), [
      [500, 0.499],
      [1000, 0.999],
    ]);
    assert.deepEqual(await shares(10), [
      [500, 1],
      [1000, 1],
    ]);
    assert.deepEqual(await shares(Infinity), [
      [500, undefined],
      [1000, undefined],
    ]);
  });

  test("it ends when it is cancelled, and when there are more frames than a list may have", async () => {
    const cancelled = new AbortController();
    cancelled.abort();
    await assert.rejects(read(many(500), { signal: cancelled.signal }), { name: "AbortError" });
    await assert.rejects(read(many(1_000_001)), /more than 1000000 frames/);
  });
});
