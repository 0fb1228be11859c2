import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MODEL_FILES, modelUrls, sortFiles } from "../../wasm_bridge/files/model_source.mjs";
import { safetensors } from "./model_fixtures.mjs";

const RELEASE = "https://huggingface.co/nvidia/AutoGaze/resolve/main/";

describe("modelUrls", () => {
  test("without addresses it is NVIDIA's release", () => {
    assert.deepEqual(modelUrls({}, "http://localhost/page/"), {
      config: `${RELEASE}config.json`,
      preprocessor: `${RELEASE}preprocessor_config.json`,
      weights: `${RELEASE}model.safetensors`,
    });
  });

  test("addresses are relative to the page, and the preprocessor is beside the config", () => {
    const given = { configUrl: " ./a/config.json?x=1 ", weightsUrl: "/b/w.safetensors#top" };
    assert.deepEqual(modelUrls(given, "http://localhost/page/"), {
      config: "http://localhost/page/a/config.json?x=1",
      preprocessor: "http://localhost/page/a/preprocessor_config.json",
      weights: "http://localhost/b/w.safetensors",
    });
  });

  for (const [given, problem] of [
    ["", "is no address"],
    ["https://", "is no address"],
    ["ftp://example.org/model.safetensors", "does not begin with https:// or http://"],
    ["C:\\models\\model.safetensors", "does not begin with https:// or http://"],
    ["https://me:secret@example.org/w", "holds a password, which browsers do not send"],
    ["http://example.org/w", "begins with http://, which a page opened by https may not load"],
    ["https://huggingface.co/nvidia/AutoGaze/", "is a folder"],
  ]) {
    test(`"${given}" is refused for each file`, () => {
      for (const role of /** @type {const} */ (["config", "weights"])) {
        if (role === "weights" && problem === "is a folder") continue;
        const { name, option } = MODEL_FILES[role];
        assert.throws(() => modelUrls({ [`${role}Url`]: given }, "https://example.org/page/"), {
          message: `${option} is the address of a ${name}, such as ${RELEASE}${name}; "${given}" ${problem}.`,
        });
      }
    });
  }

  test("a page opened by https may load from this machine by http", () => {
    for (const host of ["localhost", "127.0.0.1:8000", "[::1]:80"]) {
      const { weights } = modelUrls({ weightsUrl: `http://${host}/w` }, "https://example.org/");
      assert(weights.startsWith("http://"));
    }
  });
});

describe("sortFiles", () => {
  const config = '{"model_type": "autogaze"}';
  const preprocessor = '{"image_mean": [0.5]}';
  const weights = safetensors({ w: 3 });
  const file = (/** @type {string} */ name, /** @type {BlobPart} */ content) => new File([content], name);
  const failure = (/** @type {File[]} */ files) =>
    sortFiles(files).then(
      () => "it did not fail",
      (error) => error.message,
    );

  test("files are told apart by their content, in any order and under any name", async () => {
    for (const names of [
      ["model.safetensors", "preprocessor_config.json", "config.json"],
      ["model (2).safetensors", "preprocessor_config (1).json", "config (3).json"],
      ["weights.bin", "one.txt", "two.txt"],
    ]) {
      const files = [weights, preprocessor, config].map((content, i) => file(names[i] ?? "", content));
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ]) {
        const found = await sortFiles(order.map((i) => /** @type {File} */ (files[i])));
        assert.deepEqual([found.weights[0]?.name, found.preprocessor?.name, found.config.name], names);
      }
    }
  });

  test("damaged files keep the role of their names, so that the check can say what is wrong", async () => {
    const found = await sortFiles([file("config.json", "{oops"), file("model.safetensors", "pointer")]);
    assert.deepEqual(
      [found.config.name, found.preprocessor, found.weights[0]?.name],
      ["config.json", null, "model.safetensors"],
    );
  });

  test("what is missing, there twice or something else is said", async () => {
    const whole = file("model.safetensors", weights);
    const missing = "of the model is missing: choose all its files together.";
    assert.equal(await failure([file("config.json", config)]), `model.safetensors ${missing}`);
    assert.equal(await failure([whole]), `config.json ${missing}`);
    assert.equal(
      await failure([file("preprocessor_config.json", preprocessor)]),
      `config.json and model.safetensors ${missing}`,
    );
    assert.equal(
      await failure([file("config.json", config), file("other.json", config), whole]),
      '"config.json" and "other.json" are both a config.json: choose one of them.',
    );
    assert.equal(
      await failure([file("bird.mp4", "\0\0\0\x18ftypmp42")]),
      '"bird.mp4" is not a file of an AutoGaze model: choose config.json and model.safetensors.',
    );
  });

  test("a file that cannot be read is named", async () => {
    const gone = file("config.json", config);
    gone.slice = () => /** @type {any} */ ({ arrayBuffer: () => Promise.reject(new Error("NotFound")) });
    assert.match(await failure([gone]), /^"config.json" cannot be read: it is a folder, or was changed/);
  });
});
