import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  hintText,
  keyframeText,
  netRows,
  projectionRow,
  psnrText,
  seenText,
  similarityText,
  timeText,
  verdictText,
  waitingText,
} from "../../web/vision/vision_texts.mjs";

/** @param {number} gaze @param {number} gazed @param {number} full */
function net(gaze, gazed, full) {
  const gained = full - gazed;
  const even = gained > 0 ? gaze / gained : /** @type {const} */ ("Infinity");
  return { gazeMs: gaze, gazedMs: gazed, fullMs: full, savedMs: gained - gaze, breakEven: even };
}

test("times grow from tenths of milliseconds to hours", () => {
  const times = [0.04, 9.96, 99.96, 100.4, 999, 1000, 65_432, 100_400, 119_499, 120_000, 1_234_567];
  times.push(7_199_999, 7_200_000, 76_943_000, 4e9);
  assert.deepEqual(times.map(timeText), [
    "0.0 ms",
    "10.0 ms",
    "100.0 ms",
    "100 ms",
    "999 ms",
    "1.0 s",
    "65.4 s",
    "100 s",
    "119 s",
    "2 min",
    "21 min",
    "120 min",
    "2 h",
    "21 h",
    "1,111 h",
  ]);
});

test("what is seen is said in patches", () => {
  assert.match(seenText(16, { patches: 265 }, false), /rebuilt this frame from 16 of 265 patches and what/);
  assert.match(seenText(265, { patches: 265 }, true), /reads the first frame whole: all 265 patches/);
  assert.equal(hintText(16, { patches: 265 }), "16 of 265");
});

test("what is kept has a text of one width, known or not", () => {
  const texts = [1, 0.5, -0.25, null, undefined].map((similarity) =>
    similarityText({ patches: 265, similarity }),
  );
  assert.deepEqual(new Set(texts.map((text) => text.length)), new Set([5]));
  assert.equal(psnrText({ patches: 265 }), "–");
  assert.equal(
    psnrText({ patches: 265, rebuiltPsnr: "Infinity" }).trim(),
    "∞\u00a0dB".padStart(7, "\u00a0").trim(),
  );
  assert.match(psnrText({ patches: 265, rebuiltPsnr: 23.456 }), /23\.5\u00a0dB/);
});

describe("the verdict", () => {
  test("says what is saved where the gaze pays", () => {
    const text = verdictText(net(10, 5, 40));
    assert.equal(text, "Here the gaze saves 63 %: 25.0 ms of 40.0 ms a frame.");
    assert.match(verdictText(net(10, 5, 15.06)), /saves 1 %: 0\.1 ms of 15\.1 ms a frame/);
    for (const full of [14.96, 15.04])
      assert.equal(verdictText(net(10, 5, full)), "Here the gaze takes as much time as it saves.");
  });

  test("says by how much a model has to be slower where it does not", () => {
    const text = verdictText(net(30, 5, 15));
    assert.match(text, /costs more than it saves: AutoGaze takes 30\.0 ms to save 10\.0 ms of reading/);
    assert.match(text, /pays off for models at least 3\.0 times as slow\.$/);
    assert.match(verdictText(net(1234, 5, 15)), /at least 124 times/);
    // Never rounded down to a factor that would not do.
    assert.match(verdictText(net(12.1, 5, 17)), /at least 1\.1 times/);
  });

  test("says so where fewer patches take no less time", () => {
    for (const full of [5, 4, 5.01]) {
      const text = verdictText(net(30, 5, full));
      assert.match(
        text,
        /costs more than it saves: this model is so small that reading the chosen patches \(5\.0 ms\) takes no less/,
      );
    }
  });
});

test("of a first frame it says why there is no balance", () => {
  assert.match(keyframeText(false), /nothing is saved yet/);
  assert.match(keyframeText(true), /choose a moving source/);
});

test("the rows of the table add up", () => {
  const rows = netRows(16, { patches: 265, net: net(10, 5, 40) });
  assert.deepEqual(
    rows.map(({ gazed, all }) => [gazed, all]),
    [
      ["16", "265"],
      ["10.0 ms", "–"],
      ["5.0 ms", "40.0 ms"],
      ["15.0 ms", "40.0 ms"],
    ],
  );
});

test("a larger model's row says what the gaze saves, or that it saves nothing", () => {
  const projection = {
    name: "base",
    tokens: 1060,
    gazed: 64,
    fullGflops: 1234.5,
    gazedGflops: 70,
    fullMs: 2000,
    gazedMs: 500,
  };
  assert.deepEqual(projectionRow(projection), {
    name: "base",
    detail: "1,060 patches, 1,235 billion operations a frame",
    gazed: "500 ms",
    all: "2.0 s",
    saved: "75 %",
  });
  assert.equal(projectionRow({ ...projection, gazedMs: 2100 }).saved, "nothing");
});

test("before the first frame it says what it waits for", () => {
  const state = { mode: "realtime", chosen: "autogaze", gazes: true, ready: true };
  assert.match(waitingText(state), /next gaze/);
  assert.match(waitingText({ ...state, ready: false }), /Loading the vision model/);
  assert.match(waitingText({ ...state, gazes: false }), /Waiting for AutoGaze to load/);
  const unchosen = { ...state, chosen: "patch-diff" };
  assert.match(waitingText({ ...unchosen, gazes: false }), /needs AutoGaze: choose it under Chosen by/);
  assert.match(waitingText(unchosen), /needs AutoGaze/);
  assert.match(waitingText({ ...state, mode: "tiled" }), /set Mode to Realtime/);
});
