import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunningTotal, shareOf, shareText, skippedText, totalText } from "../../web/page/token_count.mjs";

const GRIDS = [2, 4, 7, 14];

/** @param {object} numbers @returns {any} */
function report(numbers) {
  return { cells: 0, grids: GRIDS, ...numbers };
}

describe("shareOf", () => {
  test("patch-diff counts the cells of its grid", () => {
    assert.deepEqual(shareOf(report({ cells: 12, grids: [14] })), { unit: "cell", used: 12, all: 196 });
  });

  test("a model counts tokens of all its grids, and of every tile", () => {
    const share = shareOf(report({ maskTiming: "own", tokens: 16, cells: 14 }));
    assert.deepEqual(share, { unit: "token", used: 16, all: 265 });
    assert.equal(shareOf(report({ maskTiming: "own", tokens: 48, tiles: 6 }))?.all, 6 * 265);
    assert.equal(shareOf(report({ maskTiming: "newest" })), undefined, "it has not chosen yet");
  });
});

describe("RunningTotal", () => {
  test("a frame that shows the tokens of an earlier one adds nothing", () => {
    const running = new RunningTotal();
    for (const [gazes, tokens] of [
      [1, 198],
      [1, 198],
      [2, 10],
    ])
      running.add(report({ maskTiming: "newest", gazes, tokens }));
    assert.deepEqual(running.total, { unit: "token", used: 208, all: 530 });
    assert.equal(totalText(/** @type {any} */ (running.total)), "208 instead of 530 tokens so far");
  });

  test("it starts over with another unit and on request", () => {
    const running = new RunningTotal();
    running.add(report({ cells: 12, grids: [14] }));
    running.add(report({ maskTiming: "own", gazes: 1, tokens: 16 }));
    assert.deepEqual(running.total, { unit: "token", used: 16, all: 265 });
    running.restart();
    assert.equal(running.total, undefined);
    running.add(report({ maskTiming: "own", gazes: 1, tokens: 5 }));
    assert.deepEqual(running.total, { unit: "token", used: 5, all: 265 });
  });
});

test("the texts have separators, and say 0 % or 100 % only where it is exact", () => {
  assert.equal(shareText({ unit: "token", used: 16, all: 265 }), "16 of 265 tokens · 94 % skipped");
  assert.equal(
    totalText({ unit: "token", used: 9120, all: 151050 }),
    "9,120 instead of 151,050 tokens so far",
  );
  assert.equal(skippedText({ unit: "cell", used: 0, all: 196 }), "100 %");
  assert.equal(skippedText({ unit: "cell", used: 196, all: 196 }), "0 %");
  assert.equal(skippedText({ unit: "token", used: 1, all: 5300 }), "99.98 %");
  assert.equal(skippedText({ unit: "token", used: 264, all: 265 }), "0.38 %");
  assert.equal(skippedText({ unit: "cell", used: 0, all: 0 }), "0 %");
});
