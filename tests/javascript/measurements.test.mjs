import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { factsText, fiveWide, percent, psnrText, Rate, ratioText } from "../../web/panels/measurements.mjs";

describe("Rate", () => {
  test("counts the intervals of the last second", () => {
    const rate = new Rate();
    assert(Number.isNaN(rate.perSecond));
    rate.add(0);
    assert(Number.isNaN(rate.perSecond), "one event has no rate");
    for (let time = 40; time <= 3000; time += 40) rate.add(time);
    assert(Math.abs(rate.perSecond - 25) < 1e-9);
  });

  test("is measured over the last two events if they are further apart than a second", () => {
    const rate = new Rate();
    for (const time of [0, 10, 20, 4020]) rate.add(time);
    assert.equal(rate.perSecond, 0.25);
  });
});

test("numbers are clamped to the width that they are shown in, and unknown ones are dashes", () => {
  assert.deepEqual(
    [0, 7.04, 999.95, 1e9, -3, "Infinity", null, Number.NaN].map((value) =>
      fiveWide(/** @type {any} */ (value)),
    ),
    ["000.0", "007.0", "999.9", "999.9", "000.0", "999.9", "---.-", "---.-"],
  );
  assert.deepEqual([percent(0.5), percent(1.2), percent(null)], ["050.0%", "100.0%", "---.-%"]);
});

describe("texts of a frame", () => {
  const report = /** @type {any} */ ({
    width: 640,
    height: 360,
    cells: 1,
    maskRatio: 0.1234,
    stageMs: { mask: 1.25, metrics: 2.5 },
    updateRatio: 0.25,
    updateRatioEma: null,
    psnr: "Infinity",
    psnrEma: 33.25,
  });

  test("without a model: size, cells, share, time, skipped frames", () => {
    assert.equal(
      factsText(report, 2, ""),
      "640×360 pixels · 1 cell · 12.3 % of the frame masked · 3.8 ms in Python · 2 frames skipped",
    );
    assert.match(factsText({ ...report, cells: 12 }, 0, ""), / 12 cells /);
  });

  test("with a model: its tokens and, unless each frame waits for its own, the age of the mask", () => {
    const facts = (/** @type {object} */ more) => factsText({ ...report, ...more }, 0, "WebGPU").split(" · ");
    assert.match(facts({ maskTiming: "own" })[0] ?? "", /first frame/);
    const gaze = { tokens: 16, gazeMs: 41.7, maskAgeFrames: 1, maskAgeMs: 33.3 };
    assert.deepEqual(facts({ maskTiming: "own", ...gaze }).slice(0, 1), [
      "16 tokens in 42 ms (AutoGaze, WebGPU)",
    ]);
    assert.equal(facts({ maskTiming: "newest", ...gaze })[1], "mask 1 frame (33 ms) old");
    assert.equal(facts({ maskTiming: "newest", ...gaze, maskAgeFrames: 3 })[1], "mask 3 frames (33 ms) old");
  });

  test("ratio and PSNR have their moving averages beside them", () => {
    assert.equal(ratioText(report), "025.0% ema ---.-%");
    assert.equal(psnrText(report), "999.9 dB ema 033.3 dB");
  });
});
