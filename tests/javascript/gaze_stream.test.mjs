import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { GazeStream } from "../../wasm_bridge/api/gaze_stream.mjs";

const pixels = (/** @type {number} */ value) => ({
  data: new Uint8Array([value, 0, 0, 255]),
  width: 1,
  height: 1,
});

describe("GazeStream", () => {
  /** @type {[string, any][]} */
  let asked;
  let closed = 0;
  /** @type {GazeStream} */
  let stream;

  beforeEach(() => {
    [asked, closed] = [[], 0];
    const calls = /** @type {any} */ ({
      call: async (/** @type {string} */ name, /** @type {any} */ given) => {
        asked.push([name, given]);
        return {
          facts: { index: asked.length, scales: [], points: {} },
          input: null,
          mask: null,
          output: null,
        };
      },
    });
    stream = new GazeStream(calls, { panels: false }, () => closed++);
  });

  test("begins anew, and hands frames on in the order in which they were given", async () => {
    await Promise.all([1, 2, 3].map((value) => stream.next(pixels(value))));
    assert.deepEqual(
      asked.map(([name, given]) => [name, given?.frame.pixels[0], given?.panels]),
      [
        ["restart", undefined, undefined],
        ["next", 1, false],
        ["next", 2, false],
        ["next", 3, false],
      ],
    );
  });

  test("a frame that is none fails alone, and the next one works", async () => {
    const wrong = stream.next({ ...pixels(1), width: 5 });
    const right = stream.next(pixels(2));
    await assert.rejects(wrong, { message: /^1 frame of 5x1 pixels is 20 bytes/ });
    assert.equal((await right).index, 2);
  });

  test("results of many frames come one after the other", async () => {
    const indices = [];
    for await (const { index } of stream.results([pixels(1), pixels(2)])) indices.push(index);
    assert.deepEqual(indices, [2, 3]);
  });

  test("a closed stream says how to get another", async () => {
    stream.close();
    stream.close();
    assert.equal(closed, 1);
    const message = "This stream was closed: open another one with stream().";
    await assert.rejects(stream.next(pixels(1)), { message });
    await assert.rejects(stream.reset(), { message });
  });
});
