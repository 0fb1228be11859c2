import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findShards, readIndex, shardUrl } from "../../wasm_bridge/files/shard_index.mjs";

const [ONE, TWO] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
const indexOf = (/** @type {unknown} */ weightMap, metadata = {}) =>
  JSON.stringify({ metadata, weight_map: weightMap });

describe("readIndex", () => {
  test("gives each file once and the bytes of all tensors", () => {
    const text = indexOf({ a: ONE, b: TWO, c: ONE }, { total_size: 12 });
    assert.deepEqual(readIndex(text, "i"), { names: [ONE, TWO], tensorBytes: 12 });
    for (const size of [undefined, -1, 1.5, 1e300, "12", null])
      assert.equal(readIndex(indexOf({ a: ONE }, { total_size: size }), "i").tensorBytes, null);
  });

  for (const text of [
    "",
    "{",
    "[]",
    "null",
    "{}",
    ...[{}, [ONE], ONE, { a: 1 }, null].map((map) => indexOf(map)),
  ])
    test(`${text} is not an index`, () => {
      assert.throws(() => readIndex(text, "i.json"), {
        message:
          "i.json is not an index of shards, which has a weight_map with the file of each tensor: use the model.safetensors.index.json of the model.",
      });
    });

  for (const name of [
    ...[
      "../model.safetensors",
      "/etc/passwd",
      "a/../../b",
      "..",
      ".",
      "",
      "a//b",
      "a/./b",
      "/",
      "a/",
      "//host/x",
    ],
    ...["..\\model.safetensors", "C:model.safetensors", "https://example.org/x", "a\0b", "a\nb", "a\ud800"],
  ])
    test(`${JSON.stringify(name)} is not in the index's folder`, () => {
      assert.throws(() => readIndex(indexOf({ a: ONE, b: name }), "i.json"), {
        message: `i.json names the file ${JSON.stringify(name)}, but shards must lie in the index's own folder: use another copy of the model.`,
      });
    });

  test("files by the thousand are refused", () => {
    const map = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`t${i}`, `${i}.safetensors`]));
    assert.throws(() => readIndex(indexOf(map), "i.json"), /names 101 files, but .* at most 100/);
  });
});

test("a shard's address is in the index's folder, whatever its name", () => {
  const index = "https://models.example/m/index.json?download=true";
  assert.equal(shardUrl(ONE, index), `https://models.example/m/${ONE}`);
  assert.equal(
    shardUrl("a/b c?x#y%2e.safetensors", index),
    "https://models.example/m/a/b%20c%3Fx%23y%252e.safetensors",
  );
  assert.equal(shardUrl("%2e%2e/x", index), "https://models.example/m/%252e%252e/x");
});

describe("findShards", () => {
  const fileOf = (/** @type {string} */ name) => new File([], name);
  const failure = (/** @type {string[]} */ ...files) => {
    try {
      findShards([ONE, `shards/${TWO}`], files.map(fileOf));
      return "it did not fail";
    } catch (error) {
      return error instanceof Error && error.message;
    }
  };

  test("finds them by name, renamed downloads included", () => {
    const files = [fileOf("model-00002-of-00002 (1).safetensors"), fileOf(ONE)];
    const found = findShards([ONE, `shards/${TWO}`], files);
    assert.deepEqual([found.get(ONE), found.get(`shards/${TWO}`)], [files[1], files[0]]);
    const odd = fileOf("x (1).safetensors");
    assert.equal(findShards(["x (1).safetensors"], [odd]).get("x (1).safetensors"), odd);
  });

  test("says what is missing, duplicated or unknown", () => {
    assert.equal(failure(ONE), `shards/${TWO} of the model is missing: choose all its files together.`);
    assert.equal(failure(), `${ONE} and 1 more of the model is missing: choose all its files together.`);
    assert.equal(
      failure(ONE, "model-00001-of-00002 (1).safetensors"),
      `"${ONE}" and "model-00001-of-00002 (1).safetensors" are both ${ONE}: choose one of them.`,
    );
    assert.equal(
      failure(ONE, TWO, "other.safetensors"),
      '"other.safetensors" is not a file that the model\'s index names: choose only the files of one model.',
    );
  });
});
