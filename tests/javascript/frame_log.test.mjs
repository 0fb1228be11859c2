import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameLog, means, sampleOf } from "../../web/insight/frame_log.mjs";

const sample = (/** @type {number} */ total) => ({
  ratio: 0,
  psnr: 0,
  cells: 0,
  byScale: {},
  stages: {},
  total,
});

test("a log has the newest frames up to its capacity, oldest first, whatever came before", () => {
  for (const capacity of [1, 2, 5, 7]) {
    const log = new FrameLog(capacity);
    for (let count = 1; count <= 3 * capacity + 1; count++) {
      log.add(sample(count));
      const expected = Array.from({ length: count }, (_, index) => index + 1).slice(-capacity);
      assert.deepEqual(
        log.samples().map(({ total }) => total),
        expected,
      );
      assert.equal(log.size, expected.length);
    }
    log.clear();
    assert.deepEqual(log.samples(), []);
    log.add(sample(9));
    assert.deepEqual(log.samples(), [sample(9)]);
    assert.equal(log.capacity, capacity);
  }
});

test("a caller's list of samples is its own", () => {
  const log = new FrameLog(3);
  log.add(sample(1));
  log.samples().length = 0;
  assert.equal(log.size, 1);
});

test("a report becomes a sample: stages in the order of a frame, NaN for what it lacks", () => {
  const report = /** @type {any} */ ({
    updateRatio: null,
    psnr: "Infinity",
    cells: 3,
    grids: [2, 14],
    cellsByScale: { 14: 3 },
    stageMs: { mask: 1 },
    gazeStageMs: { model: 5 },
    workerMs: { capture: 2, draw: 4 },
  });
  const { ratio, psnr, byScale, stages, total } = sampleOf(report, 12);
  assert.deepEqual([ratio, psnr, total], [Number.NaN, Number.POSITIVE_INFINITY, 12]);
  assert.deepEqual(byScale, { 2: 0, 14: 3 }, "every grid has its row from the first frame on");
  assert.deepEqual(Object.keys(stages), ["capture", "model", "mask", "draw"]);
  assert(Number.isNaN(sampleOf({ ...report, psnr: null }, 1).psnr));
  assert.equal(sampleOf({ ...report, psnr: 31.5, updateRatio: 0.25 }, 1).ratio, 0.25);
});

test("a record that lacks a name counts as zero in its mean", () => {
  assert.deepEqual(
    [
      ...means([
        { a: 1, b: 4 },
        { b: 2, c: 6 },
      ]),
    ],
    [
      ["a", 0.5],
      ["b", 3],
      ["c", 3],
    ],
  );
  assert.deepEqual([...means([])], []);
});
