import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { float32Weights, headerBytes } from "../../wasm_bridge/model/weights.mjs";

/** @import { TableEntry } from "../../wasm_bridge/model/weights.mjs" */

/** @param {Uint8Array<ArrayBuffer>} bytes */
const floats = (bytes) => [...new Float32Array(bytes.slice().buffer)];

/** @param {number} length in the file's first eight bytes */
function fileOf(length, size = 40) {
  const file = new Uint8Array(size);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  return file;
}

describe("headerBytes", () => {
  test("is the header with its length", () => {
    assert.equal(headerBytes(fileOf(12)).length, 20);
  });

  test("is no longer than the file or than a header may be", () => {
    assert.equal(headerBytes(fileOf(1000)).length, 40);
    assert.equal(headerBytes(fileOf(10 ** 9)).length, 8);
    assert.equal(headerBytes(new Uint8Array(5)).length, 5);
  });
});

describe("float32Weights", () => {
  test("float32 tensors are views of the file, or copies where they begin at an odd byte", () => {
    const file = new Uint8Array(9);
    new DataView(file.buffer).setFloat32(0, 1.5, true);
    new DataView(file.buffer).setFloat32(5, -2.25, true);
    const weights = float32Weights(file, [
      ["a", "F32", 0, 4],
      ["b", "F32", 5, 9],
    ]);
    const [a, b] = [weights.get("a"), weights.get("b")];
    assert(a && b);
    assert.deepEqual([floats(a), floats(b)], [[1.5], [-2.25]]);
    assert.equal(a.buffer, file.buffer);
    assert.notEqual(b.buffer, file.buffer);
  });

  test("every finite float16 has its value", () => {
    const finite = Array.from({ length: 2 ** 16 }, (_, half) => half).filter(
      (half) => (half >> 10) % 32 < 31,
    );
    const file = new Uint8Array(Uint16Array.from(finite).buffer);
    const bytes = float32Weights(file, [["h", "F16", 0, file.length]]).get("h");
    assert(bytes);
    floats(bytes).forEach((value, index) => {
      const half = finite[index] ?? 0;
      const [exponent, mantissa] = [(half >> 10) & 31, half & 1023];
      const size = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
      assert(Object.is(value, half >> 15 ? -size : size), `${half}: ${value}`);
    });
  });

  test("a bfloat16 is the upper half of a float32", () => {
    const file = new Uint8Array(Uint16Array.of(0x3f80, 0xc020, 0x0001).buffer);
    const bytes = float32Weights(file, [["b", "BF16", 0, 6]]).get("b");
    assert(bytes);
    assert.deepEqual(floats(bytes), [1, -2.5, 2 ** -133]);
  });

  test("values that are not finite are refused with the tensors' names", () => {
    /** @type {[dtype: TableEntry[1], bits: number[]][]} */
    const bad = [
      ["F32", [0x00, 0x00, 0x80, 0x7f]],
      ["F32", [0x01, 0x00, 0xc0, 0xff]],
      ["F16", [0x00, 0x7c]],
      ["F16", [0x01, 0xfe]],
      ["BF16", [0x80, 0xff]],
      ["BF16", [0xc0, 0x7f]],
    ];
    for (const [dtype, bits] of bad) {
      const file = Uint8Array.from([...bits, 0, 0, 0, 0]);
      /** @type {TableEntry[]} */
      const table = [
        ["x", dtype, 0, bits.length],
        ["y", "F32", bits.length, bits.length + 4],
      ];
      assert.throws(() => float32Weights(file, table), {
        message: "the weights hold NaN or infinity in x: the file is damaged, download it again",
      });
    }
    const many = Array.from({ length: 82 }, (_, i) => /** @type {TableEntry} */ ([`t${i}`, "F16", 0, 2]));
    assert.throws(() => float32Weights(Uint8Array.of(0, 0x7c), many), /t79 and 2 more: the file/);
  });
});
