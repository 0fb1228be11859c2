import assert from "node:assert/strict";
import { test } from "node:test";
import { cellAt, cellTexts, containedArea, coveredShares, visibleCells } from "../../web/gaze/cell_facts.mjs";

/** A frame of 28 x 14 pixels: a quarter, a cell of 7 x 7 within it, and one outside. */
const LIST = /** @type {import("../../wasm_bridge/autogaze.mjs").CellList} */ ({
  width: 28,
  height: 14,
  source: "autogaze",
  rebuilt: true,
  cells: [
    [2, 0, 0, 7, 14, 0.914],
    [7, 2, 4, 4, 8, 0.043],
    [7, 12, 24, 14, 28, 1],
  ],
});

test("a point has the finest cell that contains it", () => {
  assert.equal(cellAt(LIST, 0.2, 0.2), 1);
  assert.equal(cellAt(LIST, 0.2, 0.2, [7]), 0, "hidden scales do not count");
  assert.equal(cellAt(LIST, 0, 0), 0);
  assert.equal(cellAt(LIST, 0.99, 0.99), 2);
  assert.equal(cellAt(LIST, 0.6, 0.4), -1);
  assert.equal(cellAt(LIST, 1, 1), -1, "ends are exclusive");
  assert.equal(cellAt({ ...LIST, cells: [] }, 0.5, 0.5), -1);
});

test("a cell's texts have its place in the order, its scale, confidence and share", () => {
  assert.deepEqual(cellTexts(LIST, 0), {
    title: "Token 1 of 3",
    facts: "scale 2×2 · confidence 91 % · 25 % of the frame",
  });
  assert.equal(cellTexts(LIST, 1).facts, "scale 7×7 · confidence 4.3 % · 2.0 % of the frame");
  assert.deepEqual(cellTexts({ ...LIST, source: "patch-diff" }, 2), {
    title: "Cell 3 of 3",
    facts: "scale 7×7 · most changed first · 2.0 % of the frame",
  });
});

test("pixels that cells share count once", () => {
  assert.deepEqual(
    coveredShares(LIST).map((share) => Math.round(share * 392)),
    [0, 98, 98, 106],
  );
});

test("a picture lies in the middle of a larger area", () => {
  const area = { left: 10, top: 20, width: 400, height: 100 };
  assert.deepEqual(containedArea(area, LIST), { left: 110, top: 20, width: 200, height: 100 });
});

test("shown cells keep their place in the order of choice", () => {
  assert.deepEqual(visibleCells(LIST, []), [0, 1, 2]);
  assert.deepEqual(visibleCells(LIST, [2]), [1, 2]);
  assert.equal(cellTexts(LIST, visibleCells(LIST, [2])[0] ?? -1).title, "Token 2 of 3");
  assert.deepEqual(visibleCells(LIST, [2, 7]), []);
});
