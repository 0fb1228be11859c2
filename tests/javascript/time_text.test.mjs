import assert from "node:assert/strict";
import { test } from "node:test";
import { timeText } from "../../web/playback/time_text.mjs";

test("any position in a file has a text", () => {
  for (const [seconds, text] of /** @type {[number, string][]} */ ([
    [0, "0:00.000"],
    [5.9671, "0:05.967"],
    [59.9996, "1:00.000"],
    [3599.9999, "1:00:00.000"],
    [7384.5, "2:03:04.500"],
    [360000, "100:00:00.000"],
    [-1, "−0:01.000"],
    [-0.0001, "0:00.000"],
    [Number.NaN, "–"],
    [Number.POSITIVE_INFINITY, "–"],
  ])) {
    assert.equal(timeText(seconds), text);
  }
});
