import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FRAMES, settled, TestedFile } from "./file_source_fixtures.mjs";

describe("FileSource", () => {
  /** @type {TestedFile} */
  let file;

  beforeEach(() => {
    file = new TestedFile();
  });

  test("every frame comes once and in order, then the file rests at its end", async () => {
    file.open();
    const numbers = [];
    for (let count = 0; count < FRAMES; count++) numbers.push(await file.captured());
    assert.deepEqual(numbers, [0, 1, 2, 3, 4]);
    assert.equal(await file.source.capture(), null);
    assert.equal(file.heard.onFinished?.length, 1);
    assert.deepEqual([file.source.index, file.source.count, file.source.time], [4, 5, 0.4]);
    assert(!file.player.playing);
  });

  test("the first frame comes first, wherever the clock of the player starts", async () => {
    file.open();
    file.player.events.onPicture(0.2);
    assert.equal(await file.captured(), 0);
  });

  test("with a loop the first frame follows the last", async () => {
    file.values["file-loop"] = true;
    file.open();
    for (let count = 0; count < FRAMES; count++) await file.source.capture();
    assert.equal(await file.captured(), 0);
  });

  test("started again at its end it begins with the first frame", async () => {
    file.open();
    for (let count = 0; count <= FRAMES; count++) await file.source.capture();
    file.source.resume();
    assert.equal(await file.captured(), 0);
  });

  test("steps and seeks stop at the ends of the file", async () => {
    file.open();
    file.source.pause();
    for (const [act, expected] of /** @type {[() => Promise<void>, number][]} */ ([
      [() => file.source.step(1), 1],
      [() => file.source.step(99), 4],
      [() => file.source.step(-1), 3],
      [() => file.source.step(-99), 0],
      [() => file.source.seek(0.25), 2],
      [() => file.source.seek(99), 4],
      [() => file.source.show(1), 1],
    ])) {
      await act();
      assert.equal(await file.captured(), expected);
      assert.equal(file.source.index, expected);
    }
    assert.equal(await file.source.capture(), null, "a file at rest has no further frame");
  });

  test("where the picture's size changes, later frames have the size of the first one", async () => {
    const sizes = async () => {
      const found = [];
      for (const width of [8, 16, 4]) {
        file.player.size = file.reader.size = { width, height: 3 * width };
        file.player.time += 0.1;
        const frame = /** @type {any} */ (await file.source.capture());
        found.push([frame.width, frame.height]);
      }
      return found;
    };
    const first = Array(3).fill([8, 24]);
    file.open();
    assert.deepEqual(await sizes(), first);
    file.values["file-pace"] = "real-time";
    file.open();
    assert.deepEqual(await sizes(), first);
  });

  test("counting shows how far it is, can be cancelled, and be started again", async () => {
    /** @type {any} */
    let setup;
    const count = file.openReader;
    file.openReader = (given) =>
      new Promise((_, reject) => {
        setup = given;
        given.signal.addEventListener("abort", () => reject(given.signal.reason));
      });
    file.open();
    const capturing = file.source.capture();
    setup.onProgress({ frames: 500, share: 0.25 });
    assert.deepEqual(file.source.counting, { frames: 500, share: 0.25 });
    file.source.cancelCounting();
    assert.equal(await capturing, null);
    assert.deepEqual([file.source.counting, file.source.problem], [undefined, ""]);
    assert.match(file.heard.onRefused?.[0], /^Counting the frames was cancelled: press Start/);
    file.openReader = count;
    file.source.resume();
    assert.equal(await file.captured(), 0);
  });

  test("the player follows the loop option", () => {
    file.values = { "file-pace": "real-time", "file-loop": true };
    file.open();
    assert.equal(file.player.loop, true);
    file.values["file-loop"] = false;
    file.source.configure();
    assert.equal(file.player.loop, false);
  });

  test("closing frees the player and the reader, also one that is still being opened", async () => {
    file.open();
    const capturing = file.source.capture();
    file.source.close();
    await capturing;
    await settled();
    assert.deepEqual([file.player.closed, file.reader.closed], [true, true]);
  });
});
