import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReport } from "../../wasm_bridge/live/frame_report.mjs";

test("a report has the names of JavaScript, what is in it keeps its own", () => {
  const text = JSON.stringify({
    index: 3,
    update_ratio_ema: null,
    cells_by_scale: { 14: 2 },
    stage_ms: { mask_panel: 1 },
    compared: { mask_ratio: 0.5, stage_ms: { mask_panel: 2 } },
  });
  assert.deepEqual(parseReport(text), {
    index: 3,
    updateRatioEma: null,
    cellsByScale: { 14: 2 },
    stageMs: { mask_panel: 1 },
    compared: { maskRatio: 0.5, stageMs: { mask_panel: 2 } },
  });
});
