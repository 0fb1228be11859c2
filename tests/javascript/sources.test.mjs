import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { partitionFiles } from "../../web/controls/dropped_files.mjs";
import { openSynthetic } from "../../web/sources/synthetic.mjs";

test("files of a model are told apart from pictures and videos by their suffixes", () => {
  const files = ["a.JSON", "model.safetensors", "b.json.png", "clip.webm", "config.json"].map(
    (name) => new File([], name),
  );
  const { model, media } = partitionFiles(files);
  assert.deepEqual(
    model.map(({ name }) => name),
    ["a.JSON", "model.safetensors", "config.json"],
  );
  assert.deepEqual(
    media.map(({ name }) => name),
    ["b.json.png", "clip.webm"],
  );
});

describe("a synthetic source", () => {
  test("counts its frames and ticks until it is paused or closed", async (context) => {
    mock.timers.enable({ apis: ["setInterval"] });
    context.after(() => mock.timers.reset());
    let pictures = 0;
    const setup = /** @type {any} */ ({
      size: (/** @type {number} */ width, /** @type {number} */ height) => ({
        width: width / 2,
        height: height / 2,
      }),
      events: { onPicture: () => pictures++ },
    });
    const source = openSynthetic("synthetic-pan", setup);
    mock.timers.tick(1001);
    assert.equal(pictures, 30);
    assert.deepEqual(await source.capture(), {
      synthetic: "synthetic-pan",
      index: 0,
      width: 320,
      height: 180,
    });
    assert.deepEqual(await source.capture(), {
      synthetic: "synthetic-pan",
      index: 1,
      width: 320,
      height: 180,
    });
    source.pause();
    mock.timers.tick(1000);
    assert.equal(pictures, 30);
    source.resume();
    source.resume();
    mock.timers.tick(101);
    assert.equal(pictures, 33, "resuming twice does not tick twice");
    source.close();
    mock.timers.tick(1000);
    assert.equal(pictures, 33);
  });
});
