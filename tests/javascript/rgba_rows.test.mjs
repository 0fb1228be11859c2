import assert from "node:assert/strict";
import { test } from "node:test";
import { copyRows, writeRows } from "../../wasm_bridge/python/rgba_rows.mjs";

test("rows of any width come back from Python's memory as they were written", () => {
  for (let width = 1; width <= 9; width++) {
    for (let height = 1; height <= 5; height++) {
      const pixels = Uint8ClampedArray.from(
        { length: 4 * width * height },
        (_, index) => (index * 7 + 1) % 251 || 1,
      );
      const even = width + (width % 2);
      const memory = new Uint8ClampedArray(4 * even * height);
      writeRows(memory, pixels, width);
      for (let y = 0; y < height; y++) {
        const row = memory.subarray(4 * even * y, 4 * even * (y + 1));
        assert.deepEqual(row.subarray(0, 4 * width), pixels.subarray(4 * width * y, 4 * width * (y + 1)));
        assert(
          row.subarray(4 * width).every((byte) => byte === 0),
          "the pixel that fills a row stays zero",
        );
      }
      const copy = copyRows(memory, width, height);
      assert.deepEqual(copy, pixels);
      memory.fill(0);
      assert.deepEqual(copy, pixels, "a copy does not change with Python's memory");
    }
  }
});
