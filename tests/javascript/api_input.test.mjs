import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkedRgba, frameOf } from "../../wasm_bridge/api/frame_input.mjs";
import { modelParts } from "../../wasm_bridge/api/model_parts.mjs";

describe("checkedRgba", () => {
  test("is a view of the same memory, whatever kind of bytes was given", () => {
    const buffer = new ArrayBuffer(100);
    for (const given of [new Uint8Array(buffer, 4, 96), new Uint8ClampedArray(buffer, 4, 96)]) {
      const bytes = checkedRgba(given, 4, 3, 2);
      assert.deepEqual([bytes.buffer, bytes.byteOffset, bytes.length], [buffer, 4, 96]);
    }
    assert.equal(checkedRgba(buffer, 5, 5, 1).buffer, buffer);
  });

  test("refuses what is not that many pixels, and says how many bytes there should be", () => {
    /** @type {(rgba: unknown, width: unknown, height: unknown, frames: unknown) => string} */
    const fault = (...given) => {
      try {
        checkedRgba(...given);
        return "";
      } catch (error) {
        return /** @type {Error} */ (error).message;
      }
    };
    const rgba = new Uint8ClampedArray(384);
    assert.equal(fault(rgba, 8, 6, 3), "3 frames of 8x6 pixels are 576 bytes of RGBA, got 384.");
    assert.equal(fault(new Uint8Array(0), 8, 6, 1), "1 frame of 8x6 pixels is 192 bytes of RGBA, got 0.");
    assert.equal(fault(rgba, 8, 6, 0), "frames is a whole number of at least 1, got 0.");
    assert.equal(fault(rgba, 1.5, 6, 1), "width is a whole number of at least 1, got 1.5.");
    assert.equal(fault(rgba, 8, undefined, 1), "height is a whole number of at least 1, got undefined.");
    assert.match(fault("rgba", 8, 6, 1), /^The pixels are RGBA bytes: a Uint8ClampedArray/);
    assert.match(fault(new Float32Array(192), 8, 6, 1), /^The pixels are RGBA bytes/);
  });
});

describe("frameOf", () => {
  test("pixels of the wanted size are copied, so that they stay the caller's", async () => {
    const data = Uint8ClampedArray.from({ length: 4 * 6 }, (_, index) => index);
    const { frame, transfer } = await frameOf({ data, width: 3, height: 2 }, { width: 3 });
    assert("pixels" in frame);
    assert.deepEqual(frame.pixels, data);
    assert.notEqual(frame.pixels.buffer, data.buffer);
    assert.deepEqual(transfer, [frame.pixels.buffer]);
  });

  test("pixels of another size become a picture to be scaled", async (context) => {
    const { ImageBitmap } = /** @type {any} */ (globalThis);
    const global = /** @type {any} */ (globalThis);
    global.createImageBitmap = async (/** @type {any} */ { width, height }) => new ImageBitmap(width, height);
    context.after(() => delete global.createImageBitmap);
    const data = new Uint8ClampedArray(4 * 6);
    const { frame } = await frameOf({ data, width: 3, height: 2 }, { width: 9 });
    assert("image" in frame);
    assert.deepEqual([frame.width, frame.height], [9, 2]);
  });

  test("what is no picture is refused in a sentence", async () => {
    await assert.rejects(frameOf(/** @type {any} */ ({}), {}), {
      message: /^A frame is a VideoFrame, .*; this is none of them\.$/,
    });
    await assert.rejects(frameOf({ data: new Uint8Array(5), width: 1, height: 1 }, {}), {
      message: "1 frame of 1x1 pixels is 4 bytes of RGBA, got 5.",
    });
  });
});

describe("modelParts", () => {
  test("nothing given is the site's own model", () => {
    assert.deepEqual(modelParts({}), {
      config: "built-in/config.json",
      weights: "built-in/model.safetensors",
      preprocessor: null,
      graphs: "built-in/",
      backend: "auto",
    });
  });

  test("NVIDIA's release runs on the site's graphs of its architecture", () => {
    assert.deepEqual(modelParts({ model: "nvidia" }), {
      config: null,
      weights: null,
      preprocessor: null,
      graphs: "graphs/",
      backend: "auto",
    });
  });

  test("addresses are absolute, by the page's own", () => {
    const parts = modelParts({
      config: "a/config.json",
      weights: new URL("https://w.example/w"),
      graphs: "../g",
    });
    assert.equal(parts.config, "https://page.example/folder/a/config.json");
    assert.equal(parts.weights, "https://w.example/w");
    assert.equal(parts.graphs, "https://page.example/g/");
  });

  test("bytes become files of the right names, files stay what they are", async () => {
    const file = new File(["{}"], "my.json");
    for (const bytes of [
      new Blob(["abc"]),
      new Uint8Array([97, 98, 99]),
      new Uint8Array([97, 98, 99]).buffer,
    ]) {
      const { config, weights } = modelParts({ config: file, weights: bytes });
      assert.equal(config, file);
      const [only] = weights ?? [];
      assert(only instanceof File);
      assert.equal(only.name, "model.safetensors");
      assert.equal(await only.text(), "abc");
    }
    assert.deepEqual(modelParts({ config: file, weights: [file, file] }).weights, [file, file]);
  });

  test("wrong ones are refused", () => {
    /** @type {(given: any) => string} */
    const fault = (given) => {
      try {
        modelParts(given);
        return "";
      } catch (error) {
        return /** @type {Error} */ (error).message;
      }
    };
    assert.match(fault({ config: "config.json" }), /^config and weights are of one model: give both/);
    assert.match(fault({ weights: "w" }), /^config and weights are of one model/);
    assert.equal(fault({ model: "large" }), 'model is "built-in" or "nvidia", got "large".');
    assert.equal(fault({ backend: "cuda" }), 'backend is "auto", "webgpu" or "wasm", got "cuda".');
    for (const weights of [[], ["a.json"], [new Blob()]])
      assert.match(fault({ config: "c", weights }), /^weights as an array are the index and the shards/);
    assert.equal(
      fault({ config: 5, weights: 6 }),
      "config is an address, a File, a Blob or an ArrayBuffer of a config.json.",
    );
  });
});
