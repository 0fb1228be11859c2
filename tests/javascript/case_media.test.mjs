/**
 * Files from the field: the frames that the page counts are those of the command line, see tests/unit/test_case_files.py.
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { readAnimation } from "../../web/sources/animation.mjs";
import { kindOf } from "../../web/sources/file_kind.mjs";
import { mediaFrames } from "./media_frames.mjs";

const FOLDER = process.env.AUTOGAZE_CASES ?? new URL("../../../shared/cases", import.meta.url).pathname;
const there = existsSync(`${FOLDER}/media`);
/** @param {string} name */
const blob = (name) => new Blob([readFileSync(`${FOLDER}/media/${name}`)]);

describe("files from the field", {
  skip: !there && "NOT CHECKED: set AUTOGAZE_CASES to the folder of the files",
}, () => {
  for (const [name, count, last, rate] of /** @type {[string, number, number, number | null][]} */ ([
    ["gum_vp8.webm", 15, 2.637, null],
    ["vfr.mp4", 60, 5.967, 10],
    ["cut.mp4", 92, 3.1, 30],
    ["f30.mp4", 60, 1.967, 30],
    ["skydio.mp4", 60, 1.967, 30],
    ["anamorphic.mp4", 25, 0.96, 25],
    ["alpha.webm", 30, 0.967, 30],
    ["red.mkv", 5, 0.8, 5],
    ["mr_resize.webm", 69, 3.399, null],
    ["mr.mp4", 69, 3.403, 2070000 / 103093],
    ["trunc_fast.mp4", 104, 3.433, 30],
    ["trunc.webm", 70, 2.3, 30],
  ])) {
    test(name, async () => {
      const { times, framesPerSecond } = await mediaFrames(blob(name));
      assert.equal(times.length, count);
      assert.equal(times[0], 0);
      assert(Math.abs((times.at(-1) ?? 0) - last) < 1e-3, String(times.at(-1)));
      assert(rate === null ? framesPerSecond === null : Math.abs((framesPerSecond ?? 0) - rate) < 1e-9);
      assert(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)));
    });
  }

  test("pictures are recognised by their bytes, and animated ones have their delays", async () => {
    assert.deepEqual(
      [await kindOf(blob("photo_noext")), await readAnimation(blob("photo_noext"))],
      ["picture", null],
    );
    const animation = await readAnimation(blob("anim.webp"));
    assert.deepEqual([animation?.type, animation?.width, animation?.height], ["image/webp", 160, 120]);
    assert.deepEqual(animation?.durations, Array(20).fill(0.1));
  });
});
