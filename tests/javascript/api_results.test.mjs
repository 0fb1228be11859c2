import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ClipResult, FrameResult } from "../../wasm_bridge/api/results.mjs";

const [WIDTH, HEIGHT] = [3, 2];
const panelOf = (/** @type {number} */ value) => new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(value);

/** Four slots on two scales, of which the third is a pad. @param {object} [facts] */
function result(facts = {}, panels = true) {
  return new FrameResult(
    /** @type {any} */ ({
      facts: {
        index: 4,
        width: WIDTH,
        height: HEIGHT,
        psnr: "Infinity",
        psnrEma: 31.5,
        scales: [
          { grid: 1, rows: 1, columns: 1 },
          { grid: 2, rows: 2, columns: 2 },
        ],
        points: {
          token: [3, 0, -1, 2],
          padded: [false, false, true, false],
          grid: [2, 1, 0, 2],
          row: [1, 0, 0, 0],
          column: [0, 0, 0, 1],
        },
        ...facts,
      },
      mask: panels ? panelOf(2) : null,
      output: panels ? panelOf(3) : null,
    }),
    panels ? panelOf(1) : null,
  );
}

describe("FrameResult", () => {
  test("points are the columns turned into rows, pads included; tokens are without them", () => {
    const { points, tokens } = result();
    assert.equal(points.length, 4);
    assert.deepEqual(points[0], { token: 3, padded: false, grid: 2, row: 1, column: 0 });
    assert.equal(points[2]?.padded, true);
    assert.deepEqual(tokens, [3, 0, 2]);
  });

  test("masks have a one for each chosen cell and no pad", () => {
    const { masks, cellsPerScale } = result();
    assert.deepEqual(
      masks.map(({ grid, mask }) => [grid, [...mask]]),
      [
        [1, [1]],
        [2, [0, 1, 1, 0]],
      ],
    );
    assert.deepEqual(cellsPerScale, [
      { grid: 1, cells: 1 },
      { grid: 2, cells: 2 },
    ]);
  });

  test("scales whose cells are on no common grid have no mask", () => {
    assert.deepEqual(result({ scales: [{ grid: 2, rows: null, columns: null }] }).masks, []);
    assert.deepEqual(result({ points: {} }).points, []);
  });

  test("an infinite PSNR is Infinity, none is null", () => {
    assert.deepEqual(
      [result().psnr, result().psnrEma, result({ psnr: null }).psnr],
      [Number.POSITIVE_INFINITY, 31.5, null],
    );
  });

  test("panels become ImageData, alone and side by side", () => {
    const { width, height, data } = result().imageData("mask");
    assert.deepEqual([width, height, data[0]], [WIDTH, HEIGHT, 2]);
    const wide = result().sideBySide();
    assert.deepEqual([wide.width, wide.height], [3 * WIDTH, HEIGHT]);
    for (let y = 0; y < HEIGHT; y++)
      for (let x = 0; x < 3 * WIDTH; x++)
        assert.equal(wide.data[4 * (y * 3 * WIDTH + x)], 1 + Math.floor(x / WIDTH), `${x}, ${y}`);
  });

  test("panels that were not asked for say how to get them", () => {
    assert.throws(() => result({}, false).imageData("output"), {
      message: "There is no output panel: ask for it with panels: true.",
    });
  });

  test("JSON has the numbers and points, not the panels", () => {
    const text = JSON.parse(JSON.stringify(result()));
    assert.deepEqual(text.tokens, [3, 0, 2]);
    assert.equal(text.points.length, 4);
    for (const name of ["input", "mask", "output"]) assert(!(name in text), name);
  });
});

test("a clip's last frame", () => {
  const frames = [result({ index: 0 }), result({ index: 1 })];
  assert.equal(new ClipResult(frames, WIDTH, HEIGHT).last, frames[1]);
});
