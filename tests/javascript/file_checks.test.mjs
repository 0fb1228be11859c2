import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkFile, textOf } from "../../wasm_bridge/files/file_checks.mjs";
import { safetensors } from "./model_fixtures.mjs";

const WEIGHTS = safetensors({ w: 100, v: 7 });
const bytesOf = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {string} header */
function headed(header) {
  const text = bytesOf(header);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** @type {(role: import("../../wasm_bridge/files/model_source.mjs").Role, bytes: Uint8Array<ArrayBuffer>) => string} */
function fault(role, bytes) {
  try {
    checkFile(role, bytes, "the file", "choose another");
    return "";
  } catch (error) {
    assert(error instanceof Error);
    assert(error.message.startsWith("the file "), error.message);
    assert(error.message.endsWith(": choose another."), error.message);
    return error.message.slice("the file ".length, -": choose another.".length);
  }
}

describe("checkFile", () => {
  test("complete files pass", () => {
    assert.equal(fault("weights", WEIGHTS), "");
    assert.equal(fault("weights", safetensors({})), "");
    assert.equal(fault("config", bytesOf('{"a": [1, "ü"]}')), "");
  });

  test("a header's length is not mistaken for the beginning of a web page", () => {
    const header = new TextEncoder().encode("{}".padEnd(0x3c20));
    for (const length of [0x3c, 0x3c20]) {
      const file = new Uint8Array(8 + length);
      new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
      file.set(header.subarray(0, length), 8);
      assert.equal(fault("weights", file), "");
    }
  });

  test("weights that end anywhere before their end are refused", () => {
    for (let length = 0; length < WEIGHTS.length; length++) {
      const said = fault("weights", WEIGHTS.slice(0, length));
      assert.notEqual(said, "", `${length} bytes`);
      if (length > 8)
        assert.match(said, new RegExp(`^is truncated: it has ${length} bytes of at least \\d+$`));
    }
  });

  test("the bytes may be a part of a larger buffer", () => {
    const larger = new Uint8Array(WEIGHTS.length + 30);
    larger.set(WEIGHTS, 13);
    assert.equal(fault("weights", larger.subarray(13, 13 + WEIGHTS.length)), "");
  });

  test("web pages, Git LFS pointers and empty files say what they are", () => {
    for (const [role, name] of /** @type {const} */ ([
      ["config", "config.json"],
      ["preprocessor", "preprocessor_config.json"],
      ["weights", "model.safetensors"],
    ])) {
      assert.equal(fault(role, bytesOf("\n <!doctype html>")), `is a web page (HTML), not a ${name}`);
      assert.equal(fault(role, new Uint8Array()), `is empty where a ${name} should be`);
      assert.match(
        fault(role, bytesOf("version https://git-lfs.github.com/spec/v1\n")),
        new RegExp(`^is a Git LFS pointer to the ${name}, not the file itself`),
      );
    }
  });

  test("JSON that is none is refused with the reason", () => {
    assert.match(fault("config", bytesOf('{"a": 1,')), /^is not valid JSON$/);
    assert.equal(
      fault("config", new Uint8Array([123, 34, 255, 34])),
      "is not valid JSON (it is not UTF-8 text)",
    );
  });

  test("offsets of any kind are left to Python", () => {
    for (const offset of ['{"valueOf": 0, "toString": 0}', "[[]]", '"9e999"', "null", "-5", "{}"])
      assert.equal(
        fault("weights", headed(`{"a": {"data_offsets": [0, ${offset}]}, "b": null, "c": 7}`)),
        "",
      );
    assert.match(fault("weights", headed('{"a": {"data_offsets": [0, 1e300]}}')), /^is truncated/);
  });

  test("a header takes time in proportion to its length, whatever is in it", () => {
    for (const piece of ["[", '{"a":', '\\"', '"a":1,'])
      assert.notEqual(fault("weights", headed(`{"x":${piece.repeat(200_000)}`)), "");
  });

  test("what is no safetensors file is refused without reading a header of any length", () => {
    const header = (/** @type {bigint} */ length, /** @type {string} */ text) => {
      const bytes = new Uint8Array(8 + text.length);
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      bytes.set(bytesOf(text), 8);
      return bytes;
    };
    for (const bytes of [
      bytesOf("abc"),
      bytesOf('{"error": "no such revision"}'),
      bytesOf(`PK\x03\x04${"\0".repeat(900)}`),
      header(10n ** 9n, "{"),
      header(2n ** 63n, "{}"),
      header(0n, "{}"),
      header(1n, "{}"),
      header(16n, "{not json at all"),
      header(2n, "[]"),
    ])
      assert.equal(fault("weights", bytes), "is not a safetensors file");
  });
});

test("textOf refuses what is not UTF-8", () => {
  assert.equal(textOf(bytesOf("größer")), "größer");
  assert.throws(() => textOf(new Uint8Array([0xc3, 0x28])), TypeError);
});
