import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { FileSource } from "../../web/sources/file_source.mjs";
import { FrameReader } from "../../web/sources/frame_reader.mjs";

const FRAMES = 5;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A <video> that shows what the test says. */
class FakeVideo extends EventTarget {
  duration = FRAMES / 10;
  currentTime = 0;
  loop = false;
  playing = false;
  /** @type {any} */
  onended = null;
  /** @type {any} */
  onerror = null;
  /** @type {((now: number, data: { mediaTime: number }) => void) | undefined} */
  callback;

  async play() {
    this.playing = true;
  }

  pause() {
    this.playing = false;
  }

  /** @param {(now: number, data: { mediaTime: number }) => void} callback */
  requestVideoFrameCallback(callback) {
    this.callback = callback;
    return 1;
  }

  cancelVideoFrameCallback() {
    this.callback = undefined;
  }
}

describe("FileSource", () => {
  /** @type {FakeVideo} */
  let video;
  /** @type {Record<string, any>} */
  let values;
  /** @type {Record<string, any[]>} */
  let heard;
  /** @type {string} */
  let unreadable;
  let closed = 0;
  /** @type {FileSource} */
  let source;

  beforeEach(() => {
    video = new FakeVideo();
    values = { "file-pace": "every-frame", "file-loop": false };
    heard = { onPicture: [], onRefused: [], onFinished: [], onEnd: [] };
    unreadable = "";
    closed = 0;
    mock.method(FrameReader, "open", async () => {
      if (unreadable) throw new Error(unreadable);
      const times = Array.from({ length: FRAMES }, (_, index) => index / 10);
      const sample = (/** @type {number} */ time) => ({
        displayWidth: 8,
        displayHeight: 6,
        rotation: 0,
        toVideoFrame: () => Math.round(time * 10),
        close() {},
      });
      const sink = {
        async *samples(/** @type {number} */ from) {
          for (const time of times) if (time >= from) yield sample(time);
        },
        getSample: async (/** @type {number} */ time) => sample(time),
      };
      return new FrameReader(
        /** @type {any} */ ({ dispose: () => closed++ }),
        /** @type {any} */ (sink),
        times,
      );
    });
  });
  afterEach(() => mock.restoreAll());

  function open() {
    const events = Object.fromEntries(
      Object.entries(heard).map(([name, calls]) => [name, (/** @type {any} */ said) => calls.push(said)]),
    );
    const size = (/** @type {number} */ width, /** @type {number} */ height) => ({ width, height });
    const setup = /** @type {any} */ ({ video, size, values, events });
    source = new FileSource(new File([], "clip.webm"), setup, () => closed++);
  }

  /** @returns {Promise<any>} the number of the captured frame */
  const captured = async () => /** @type {any} */ (await source.capture())?.image;

  test("every frame comes once and in order, then the file rests at its end", async () => {
    open();
    const numbers = [];
    for (let count = 0; count < FRAMES; count++) numbers.push(await captured());
    assert.deepEqual(numbers, [0, 1, 2, 3, 4]);
    assert.equal(await source.capture(), null);
    assert.equal(heard.onFinished?.length, 1);
    assert.deepEqual([source.index, source.count, source.time], [4, 5, 0.4]);
    assert(!video.playing);
  });

  test("with a loop the first frame follows the last", async () => {
    values["file-loop"] = true;
    open();
    for (let count = 0; count < FRAMES; count++) await source.capture();
    assert.equal(await captured(), 0);
  });

  test("started again at its end it begins with the first frame", async () => {
    open();
    for (let count = 0; count <= FRAMES; count++) await source.capture();
    source.resume();
    assert.equal(await captured(), 0);
  });

  test("steps and seeks stop at the ends of the file", async () => {
    open();
    source.pause();
    for (const [act, expected] of /** @type {[() => Promise<void>, number][]} */ ([
      [() => source.step(1), 1],
      [() => source.step(99), 4],
      [() => source.step(-1), 3],
      [() => source.step(-99), 0],
      [() => source.seek(0.25), 2],
      [() => source.seek(99), 4],
      [() => source.show(1), 1],
    ])) {
      await act();
      assert.equal(await captured(), expected);
      assert.equal(source.index, expected);
    }
    assert.equal(await source.capture(), null, "a file at rest has no further frame");
  });

  test("in real time the <video> keeps the time, and a step is counted from there", async () => {
    values["file-pace"] = "real-time";
    open();
    assert(video.playing);
    video.callback?.(0, { mediaTime: 0.31 });
    assert.equal(source.time, 0.31);
    source.pause();
    await source.step(1);
    assert.equal(await captured(), 4);
    await source.seek(0.1);
    assert.equal(await captured(), 1);
    source.resume();
    assert.deepEqual([video.playing, video.currentTime, source.index], [true, 0.1, 1]);
  });

  test("a file that cannot be read frame by frame plays in real time, and says why", async () => {
    unreadable = "This file cannot be read frame by frame (no index); it plays in real time only.";
    open();
    assert.equal(await source.capture(), null);
    assert.equal(source.problem, unreadable);
    assert(video.playing);
    await source.seek(0.2);
    assert.equal(video.currentTime, 0.2);
  });

  test("a file of one picture does not loop", () => {
    values = { "file-pace": "real-time", "file-loop": true };
    video.duration = 0.04;
    open();
    assert.equal(video.loop, false);
    video.duration = 3;
    source.configure();
    assert.equal(video.loop, true);
  });

  test("a video that breaks off is reported, one that ends rests", () => {
    values["file-pace"] = "real-time";
    open();
    video.onended();
    video.onerror();
    assert.equal(heard.onFinished?.length, 1);
    assert.deepEqual(heard.onEnd, ['"clip.webm" broke off: the rest of the file cannot be read.']);
  });

  test("closing frees the video and the reader, also one that is still being opened", async () => {
    open();
    const capturing = source.capture();
    source.close();
    await capturing;
    await settled();
    assert(closed >= 2);
    assert.deepEqual([video.callback, video.onended, video.onerror], [undefined, null, null]);
  });
});
