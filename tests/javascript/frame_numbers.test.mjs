import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decibels, decimal, percent } from "../../web/page/number_text.mjs";
import { factsText, psnrText, Rate, speedText, updateText } from "../../web/panels/frame_numbers.mjs";

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

/** No-break spaces as ~. @param {string} text */
const visible = (text) => text.replaceAll("\u00a0", "~");

test("numbers have a fixed width, and unknown ones are dashes", () => {
  const numbers = [0, 7.04, 17.3, 123.45, null, Number.NaN].map((value) => visible(decimal(value)));
  assert.deepEqual(numbers, ["~0.0", "~7.0", "17.3", "123.5", "~~~–", "~~~–"]);
  const percents = [0.032, 0.5, 1.2, null].map((ratio) => visible(percent(ratio)));
  assert.deepEqual(percents, ["~3.2~%", "50.0~%", "100.0~%", "~~~–~%"]);
});

test("the PSNR of equal frames is infinite", () => {
  const values = /** @type {const} */ ([34.06, "Infinity", Number.POSITIVE_INFINITY, null]);
  assert.deepEqual(
    values.map((psnr) => visible(decibels(psnr))),
    ["34.1~dB", "~~~∞~dB", "~~~∞~dB", "~~~–~dB"],
  );
});

test("the model has a rate of its own", () => {
  const [shown, model] = [new Rate(), new Rate()];
  for (const time of [0, 50, 100]) shown.add(time);
  for (const time of [0, 100]) model.add(time);
  assert.deepEqual(speedText(shown, undefined).map(visible), ["shown~20.0~fps", ""]);
  assert.deepEqual(speedText(shown, model).map(visible), ["shown~20.0~fps", "model~10.0~fps"]);
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

  test("without a model: size, cells, share, time, dropped frames", () => {
    assert.equal(
      factsText(report, 2, ""),
      "640×360 pixels · 1 cell · 12.3 % of the frame masked · 3.8 ms in Python · 2 frames dropped",
    );
    assert.match(factsText({ ...report, cells: 12 }, 0, ""), / 12 cells /);
    assert.match(factsText({ ...report, still: true }, 0, ""), / · nothing changes in a still picture · /);
    const gazed = { ...report, still: true, maskTiming: "own", tokens: 1, gazeMs: 5 };
    assert.match(factsText(gazed, 1, "WebGPU"), /^1 token in 5 ms .* · 1 cell .* · 1 frame dropped$/);
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
    assert.deepEqual(updateText(report).map(visible), ["updated~25.0~%", "average~~~~–~%"]);
    assert.deepEqual(psnrText(report).map(visible), ["PSNR~~~~∞~dB", "average~33.3~dB"]);
  });
});
