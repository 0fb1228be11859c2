import assert from "node:assert/strict";
import { test } from "node:test";
import { gazeFileOf } from "../../web/export/gaze_files.mjs";
import { fileName, sizeText } from "../../web/export/saved_files.mjs";

test("names sort by the time at which the files were made", () => {
  const times = [
    new Date(2026, 0, 2, 3, 4, 5),
    new Date(2026, 0, 2, 3, 4, 15),
    new Date(2026, 0, 12, 3, 4, 5),
    new Date(2026, 10, 2, 23, 59, 59),
    new Date(2027, 0, 1, 0, 0, 0),
  ];
  const names = times.map((when) => fileName("panels", "webm", when));
  assert.equal(names[0], "autogaze-2026-01-02-030405-panels.webm");
  assert.deepEqual([...names].sort(), names);
});

test("sizes are in kilobytes below a megabyte and never nothing for a file with content", () => {
  assert.deepEqual([0, 1, 1000, 1001, 999_000, 1e6, 12_345_678].map(sizeText), [
    "0 kB",
    "1 kB",
    "1 kB",
    "2 kB",
    "999 kB",
    "1.0 MB",
    "12.3 MB",
  ]);
});

test("a button of the gaze asks for its file", () => {
  const all = { frames: "", grids: "" };
  assert.deepEqual(gazeFileOf("gazing-info.npz", all), {
    request: { format: "npz" },
    what: "gazing-info",
    suffix: "npz",
    type: "application/zip",
  });
  const { request, type } = gazeFileOf("keep-masks.json", { frames: "16", grids: " 14x14, 27x27;6x8 " });
  assert.deepEqual(request, { format: "json", frames: 16, keepGrids: ["14x14", "27x27", "6x8"] });
  assert.equal(type, "application/json");
  assert.throws(() => gazeFileOf("keep-masks.npz", { frames: "16", grids: " , " }), /such as 14x14/);
});
