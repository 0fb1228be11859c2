import assert from "node:assert/strict";
import { test } from "node:test";

import { childrenOf, contentOf, find, isLong, runs, textAt } from "../../web/sources/mp4_boxes.mjs";

/** @param {number[]} words 32-bit ones, most significant byte first */
function viewOf(...words) {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, index) => {
    view.setUint32(4 * index, word);
  });
  return view;
}

const [FREE, MDAT] = [0x66726565, 0x6d646174];

/** @param {DataView} view */
const all = (view) => ({ type: "", start: 0, end: view.byteLength });

test("a box has a size of 32 or 64 bits, or extends to the end", () => {
  const view = viewOf(12, FREE, 7, 1, MDAT, 0, 20, 8, 0, FREE, 9);
  assert.deepEqual(
    [...childrenOf(view, all(view))],
    [
      { type: "free", start: 8, end: 12 },
      { type: "mdat", start: 28, end: 32 },
      { type: "free", start: 40, end: 44 },
    ],
  );
  assert.deepEqual(contentOf(view), { type: "free", start: 8, end: 12 });
  assert.equal(textAt(view, 4), "free");
});

test("boxes end at one that is smaller than its own head, and at the end of the data", () => {
  const small = viewOf(12, FREE, 7, 4, MDAT, 0);
  assert.equal([...childrenOf(small, all(small))].length, 1);
  const cut = viewOf(100, FREE, 7);
  assert.deepEqual([...childrenOf(cut, all(cut))], [{ type: "free", start: 8, end: 12 }]);
  const none = viewOf(7);
  assert.deepEqual(contentOf(none), { type: "", start: 0, end: 0 });
});

test("a box is found by its path, or is not there", () => {
  const view = viewOf(20, FREE, 12, MDAT, 5);
  assert.deepEqual(find(view, all(view), "free", "mdat"), { type: "mdat", start: 16, end: 20 });
  assert.equal(find(view, all(view), "mdat", "free"), undefined);
});

test("runs repeat their values, at most as many as a file can have frames", () => {
  const view = viewOf(0x01000000, 2, 2, 5, 1, 0xffffffff);
  const box = { type: "ctts", start: 0, end: view.byteLength };
  assert.deepEqual(runs(view, box), [5, 5, 0xffffffff]);
  assert.deepEqual(runs(view, box, true), [5, 5, -1]);
  assert.deepEqual(runs(view, undefined), []);
  assert.equal(isLong(view, box), true);
  assert.equal(isLong(viewOf(0), box), false);
  const many = viewOf(0, 1, 0xffffffff, 1);
  assert.throws(() => runs(many, box), RangeError);
});
