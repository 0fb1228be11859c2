import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { frameSize } from "../../web/sources/frame_size.mjs";

/** @type {(width: string | number, height: string | number, own: [number, number]) => [number, number]} */
function size(width, height, own) {
  const automatic = () => ({ width: 200.4, height: 5000 });
  const result = frameSize({ "inference-width": width, "inference-height": height }, automatic)(...own);
  return [result.width, result.height];
}

describe("frameSize", () => {
  test("one side decides on the other by the picture's own shape", () => {
    assert.deepEqual(size(640, "auto", [1920, 1080]), [640, 360]);
    assert.deepEqual(size("auto", 360, [1920, 1080]), [640, 360]);
    assert.deepEqual(size(640, "auto", [1080, 1920]), [640, 1138]);
  });

  test("both sides are taken as they are, whatever the shape", () => {
    assert.deepEqual(size(200, 360, [1920, 1080]), [200, 360]);
  });

  test("two sides that are left open are somebody else's decision, in whole pixels and bounds", () => {
    assert.deepEqual(size("auto", "auto", [640, 360]), [164, 4096]);
  });

  test("native is the picture's own size", () => {
    for (const own of /** @type {[number, number][]} */ ([
      [1, 1],
      [641, 359],
      [4096, 4096],
    ])) {
      assert.deepEqual(size("native", "auto", own), own);
    }
    assert.deepEqual(size("native", 90, [160, 100]), [160, 90]);
  });

  test("any picture gives whole sides from 1 to 4096 that keep the shape where they can", () => {
    for (const own of /** @type {[number, number][]} */ ([
      [1, 9000],
      [12000, 9000],
      [3, 7],
      [640, 360],
      [9000, 1],
    ])) {
      for (const width of ["native", 16, 333, 4096]) {
        for (const height of ["auto", 16, 4096]) {
          const result = size(width, height, own);
          for (const side of result) {
            assert(
              Number.isInteger(side) && side >= 1 && side <= 4096,
              `${width} ${height} ${own}: ${result}`,
            );
          }
          if (height === "auto" && Math.min(...result) > 50) {
            const [shape, wanted] = [result[0] / result[1], own[0] / own[1]];
            assert(Math.abs(shape / wanted - 1) < 0.02, `${width} of ${own}: ${result}`);
          }
        }
      }
    }
  });
});
