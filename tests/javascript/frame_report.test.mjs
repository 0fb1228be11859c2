import assert from "node:assert/strict";
import { test } from "node:test";
import { deepCamelCased, parseReport } from "../../wasm_bridge/live/frame_report.mjs";

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

test("in an encoded frame no name at any depth is Python's", () => {
  const features = new Float32Array(2);
  const renamed = deepCamelCased({
    full_features: features,
    full_colours: null,
    vision: {
      net: { gaze_ms: 1, break_even: "Infinity" },
      projections: [{ full_gflops: 2 }, { gazed_ms: 3 }],
    },
    some_texts: ["left_as_it_is"],
  });
  assert.equal(renamed.fullFeatures, features, "not a copy");
  assert.deepEqual(renamed, {
    fullFeatures: features,
    fullColours: null,
    vision: { net: { gazeMs: 1, breakEven: "Infinity" }, projections: [{ fullGflops: 2 }, { gazedMs: 3 }] },
    someTexts: ["left_as_it_is"],
  });
  const names = [...JSON.stringify(renamed).matchAll(/"(\w+)":/g)].map(([, name]) => name);
  assert(names.length > 9 && names.every((name) => !name?.includes("_")), String(names));
});
