import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileNameOf, linesOf, percentile, summarize } from "../../web/benchmark/perf_summary.mjs";

test("a trace has a line of JSON for each frame", () => {
  const lines = linesOf(/** @type {any} */ ([{ total: 9 }, { total: 7 }])).split("\n");
  assert.deepEqual(lines, ['{"frame":0,"total":9}', '{"frame":1,"total":7}', ""]);
  assert.equal(linesOf([]), "");
});

test("a path names a file of the download folder", () => {
  for (const [path, name] of /** @type {[string, string][]} */ ([
    ["/tmp/out/perf.jsonl", "perf.jsonl"],
    ["C:\\out\\my run.json", "my-run.json"],
    ["true", "autogaze-trace.jsonl"],
    ["out/", "autogaze-trace.jsonl"],
    ["..", "autogaze-trace.jsonl"],
  ]))
    assert.equal(fileNameOf(path, "trace.jsonl"), name, path);
});

describe("percentile", () => {
  test("is the value at round((n - 1) p)", () => {
    const sorted = Array.from({ length: 120 }, (_, index) => index);
    assert.deepEqual(
      [0, 0.5, 0.95, 0.99, 1].map((share) => percentile(sorted, share)),
      [0, 60, 113, 118, 119],
    );
  });

  test("of one value is that value, of none null", () => {
    for (const share of [0, 0.3, 0.5, 1]) {
      assert.equal(percentile([7], share), 7);
      assert.equal(percentile([], share), null);
    }
  });
});

describe("summarize", () => {
  /** @type {(total: number, more?: object) => import("../../web/benchmark/perf_summary.mjs").PerfSample} */
  const frame = (total, more) => ({
    total,
    gaze: null,
    stages: { mask: total / 10 },
    cells: 4,
    tokens: null,
    maskAge: null,
    maskRatio: 0.5,
    updateRatio: 0.25,
    psnr: 30,
    psnrAverage: 31,
    onGpu: false,
    ...more,
  });
  const course = { seconds: 2, offered: 60, gazes: 0 };

  test("times of all frames, rates from their averages and percentiles", () => {
    const totals = Array.from({ length: 101 }, (_, index) => 100 - index + 10);
    const summary = /** @type {Record<string, any>} */ (
      summarize(
        totals.map((total) => frame(total)),
        course,
      )
    );
    assert.equal(summary.processed_frames, 101);
    assert.equal(summary.avg_total_ms, 60);
    assert.equal(summary.p50_total_ms, 60);
    assert.equal(summary.p95_total_ms, 105);
    assert.equal(summary.max_total_ms, 110);
    assert.equal(summary.avg_output_fps, 1000 / 60);
    assert.equal(summary.p05_output_fps, 1000 / 105);
    assert.equal(summary.worst_output_fps, 1000 / 110);
    assert.equal(summary.fps_stability_p05_to_avg, 60 / 105);
    assert.equal(summary.measured_fps, 50.5);
    assert.equal(summary.avg_input_fps, 30);
    assert.deepEqual([summary.avg_mask_ms, summary.p50_mask_ms, summary.p95_mask_ms], [6, 6, 10.5]);
  });

  test("what no frame had is null, and so are rates of no time", () => {
    const summary = /** @type {Record<string, any>} */ (summarize([frame(0)], { ...course, seconds: 0 }));
    for (const name of ["avg_model_ms", "max_model_ms", "avg_tokens", "avg_mask_age_frames", "measured_fps"])
      assert.equal(summary[name], null, name);
    assert.equal(summary.avg_output_fps, null);
    assert.equal(summary.fps_stability_p05_to_avg, null);
  });

  test("keyframes count in no average of what they lack", () => {
    const summary = summarize(
      [frame(1, { updateRatio: null, psnr: null }), frame(1, { updateRatio: 0.5 })],
      course,
    );
    assert.equal(summary.avg_output_update_ratio, 0.5);
    assert.equal(summary.psnr_samples, 1);
  });

  test("an infinite PSNR is told apart from none", () => {
    const infinite = summarize([frame(1, { psnr: "Infinity", psnrAverage: 40 })], course);
    assert.deepEqual(
      [infinite.latest_psnr_db, infinite.latest_psnr_infinite, infinite.ema_psnr_db],
      [null, true, 40],
    );
    const none = summarize([frame(1, { psnr: null })], course);
    assert.deepEqual([none.latest_psnr_db, none.latest_psnr_infinite], [null, false]);
  });

  test("the rest is what a frame's stages take but its way there and the model", () => {
    const stages = { capture: 9, upload: 7, preprocess: 1, model: 5, mask: 2, draw: 3 };
    const summary = /** @type {Record<string, any>} */ (
      summarize([frame(30, { stages, onGpu: true }), frame(30, { stages: { ...stages, mask: 4 } })], course)
    );
    assert.deepEqual([summary.avg_rest_ms, summary.p50_rest_ms, summary.max_rest_ms], [7, 8, 8]);
    // Of 30 ms, 27 and 29 in the stages.
    assert.deepEqual([summary.avg_outside_ms, summary.p95_outside_ms], [2, 3]);
    assert.equal(summary.gpu_frames, 1);
  });

  test("the model's own run is model_run; model is the whole gaze", () => {
    const summary = /** @type {Record<string, any>} */ (
      summarize([frame(20, { gaze: 12, stages: { model: 8 }, tokens: 16, maskAge: 2 })], {
        ...course,
        gazes: 1,
      })
    );
    assert.equal(summary.avg_model_ms, 12);
    assert.equal(summary.avg_model_run_ms, 8);
    assert.equal(summary.processed_model_frames, 1);
    assert.equal(summary.avg_model_frame_fps, 0.5);
  });
});
