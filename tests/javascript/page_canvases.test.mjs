import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { PageCanvases } from "../../wasm_bridge/live/page_canvases.mjs";

/** The alpha of every pixel that the page shows. */
let alpha = 255;

beforeEach(() => {
  alpha = 255;
  Object.assign(globalThis, {
    requestAnimationFrame: (/** @type {() => void} */ callback) => queueMicrotask(callback),
    OffscreenCanvas: class {
      getContext() {
        return {
          drawImage() {},
          getImageData: () => ({
            data: Uint8ClampedArray.from({ length: 16 }, (_, i) => (i % 4 === 3 ? alpha : 9)),
          }),
        };
      }
    },
  });
});

/** Elements of the page. */
function elements() {
  const element = (/** @type {string} */ name) => ({
    transferControlToOffscreen: () => `${name} for the worker`,
  });
  return /** @type {any} */ ({ input: element("input"), mask: element("mask"), output: element("output") });
}

describe("PageCanvases", () => {
  test("the worker gets new canvases", () => {
    assert.deepEqual(new PageCanvases(elements).renew("2d"), {
      input: "input for the worker",
      mask: "mask for the worker",
      output: "output for the worker",
    });
  });

  test("a page that cannot replace its canvases gives none", async () => {
    const canvases = new PageCanvases(undefined);
    assert.equal(canvases.renew("webgpu"), null);
    assert.equal(await canvases.show(), true);
  });

  test("canvases on which WebGPU draws are looked at once", async () => {
    const canvases = new PageCanvases(elements);
    canvases.renew("webgpu");
    alpha = 0;
    assert.equal(await canvases.show(), false);
    assert.equal(await canvases.show(), true);
  });

  test("opaque pixels are a frame", async () => {
    const canvases = new PageCanvases(elements);
    canvases.renew("webgpu");
    assert.equal(await canvases.show(), true);
  });

  test("canvases that were replaced before they were seen say nothing of the new ones", async () => {
    const canvases = new PageCanvases(elements);
    alpha = 0;
    canvases.renew("webgpu");
    const look = canvases.show();
    canvases.renew("2d");
    assert.equal(await look, true);
    canvases.renew("webgpu");
    canvases.forget();
    assert.equal(await canvases.show(), true);
  });

  test("2D canvases need no look", async () => {
    const canvases = new PageCanvases(elements);
    alpha = 0;
    canvases.renew("2d");
    assert.equal(await canvases.show(), true);
  });
});
