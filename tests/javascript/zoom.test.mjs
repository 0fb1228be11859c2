import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_ZOOM, moved, WHOLE, zoomed } from "../../web/panels/zoom.mjs";

test("the point under the pointer stays where it is", () => {
  const at = (/** @type {import("../../web/panels/zoom.mjs").Extent} */ { zoom, x, y }) => [
    ((0.3 - x) / zoom).toFixed(9),
    ((0.8 - y) / zoom).toFixed(9),
  ];
  const once = zoomed(WHOLE, 2, 0.3, 0.8);
  assert.deepEqual(once, { zoom: 2, x: -0.3, y: -0.8 });
  assert.deepEqual(at(zoomed(once, 1.5, 0.3, 0.8)), at(once));
});

test("no edge of the picture comes into the frame, and the zoom has bounds", () => {
  const near = zoomed(WHOLE, 4);
  assert.deepEqual(moved(near, 9, -9), { zoom: 4, x: 0, y: -3 });
  assert.deepEqual(zoomed(moved(near, 9, -9), 0.25), WHOLE);
  assert.equal(zoomed(near, 100).zoom, MAX_ZOOM);
  assert.deepEqual(zoomed(WHOLE, 0.5), WHOLE);
  assert.deepEqual(moved(WHOLE, 0.5, 0.5), WHOLE);
});
