import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RecordingClock } from "../../wasm_bridge/panels/recording_clock.mjs";
import { GifDelays } from "../../web/export/gif_delays.mjs";

const rounded = (/** @type {number[]} */ values) => values.map((value) => Math.round(value));

describe("RecordingClock", () => {
  let now = 0;
  const clock = () => new RecordingClock(() => now);

  test("frames of a file keep their distances, whatever time they take", () => {
    const times = clock();
    const recorded = [0, 0.1, 4.1, 4.133].map((time) => {
      now += 900;
      return times.next({ time, jump: false });
    });
    assert.deepEqual(rounded(recorded), [0, 100, 4100, 4133]);
  });

  test("where a file starts over or the user jumps, the frame before is shown for its own duration", () => {
    const times = clock();
    const recorded = [
      { time: 2, duration: 0.5, jump: false },
      { time: 2.5, duration: 0.25, jump: false },
      { time: 0, jump: false },
      { time: 0.04, jump: false },
      { time: 9, jump: true },
      { time: 9, jump: false },
    ].map((position) => times.next(position));
    assert.deepEqual(rounded(recorded), [0, 500, 750, 790, 830, 870]);
  });

  test("other frames are as far apart as they come, less the pauses", () => {
    const times = clock();
    const recorded = [times.next()];
    now += 40;
    recorded.push(times.next());
    now += 10;
    times.pause(true);
    now += 5000;
    times.pause(false);
    now += 20;
    recorded.push(times.next());
    times.pause(true);
    times.pause(true);
    now += 5000;
    recorded.push(times.next());
    // A file is opened meanwhile.
    times.pause(false);
    now += 200;
    recorded.push(times.next({ time: 7, jump: false }), times.next({ time: 8, jump: false }));
    assert.deepEqual(rounded(recorded), [0, 40, 70, 70, 270, 1270]);
  });
});

describe("GifDelays", () => {
  /** @param {number[]} starts in milliseconds, and the end */
  function delaysOf(starts) {
    const delays = new GifDelays();
    const all = starts.slice(0, -1).map((start, index) => delays.next(start, starts[index + 1] ?? 0));
    return [...all.slice(1), delays.last()];
  }
  const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);

  test("hundredths are spread so that the total is right", () => {
    const delays = delaysOf(Array.from({ length: 61 }, (_, index) => (index * 1000) / 30)).flat();
    assert.equal(sum(delays), 2000);
    assert.deepEqual([...new Set(delays)].sort(), [30, 40]);
  });

  test("of faster clips pictures are left out", () => {
    const delays = delaysOf(Array.from({ length: 121 }, (_, index) => (index * 1000) / 60));
    assert.equal(sum(delays.flat()), 2000);
    assert(delays.some((each) => each.length === 0));
  });

  test("a delay that one cannot say is several, and a picture of no time is shown for the shortest", () => {
    assert.equal(delaysOf([0, 3_600_000])[0]?.length, 6);
    assert.equal(sum(delaysOf([0, 3_600_000]).flat()), 3_600_000);
    assert.deepEqual(delaysOf([500, 500]), [[20]]);
  });
});
