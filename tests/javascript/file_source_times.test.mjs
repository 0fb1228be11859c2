import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FRAMES, TestedFile } from "./file_source_fixtures.mjs";

describe("The times and positions of a FileSource", () => {
  /** @type {TestedFile} */
  let file;

  beforeEach(() => {
    file = new TestedFile();
  });

  test("every frame has its time, and the loop in which it is shown", async () => {
    file.values["file-loop"] = true;
    file.open();
    const positions = [];
    for (let count = 0; count < FRAMES + 2; count++) positions.push(await file.position());
    assert.deepEqual(positions[1], { time: 0.1, duration: 0.1, loop: 0, jump: false });
    assert.deepEqual(
      positions.map(({ time, loop }) => [time, loop]),
      [0, 0.1, 0.2, 0.3, 0.4]
        .map((time) => [time, 0])
        .concat([
          [0, 1],
          [0.1, 1],
        ]),
    );
    file.source.pause();
    await file.source.step(-1);
    assert.deepEqual(await file.position(), { time: 0, duration: 0.1, loop: 1, jump: true });
    await file.source.step(1);
    assert.deepEqual(await file.position(), { time: 0.1, duration: 0.1, loop: 1, jump: false });
  });

  test("in real time the player keeps the time, and a step is counted from there", async () => {
    file.values["file-pace"] = "real-time";
    file.open();
    assert(file.player.playing);
    file.player.events.onPicture(0.31);
    assert.equal(file.source.time, 0.31);
    file.source.pause();
    await file.source.step(1);
    assert.equal(await file.captured(), 4);
    await file.source.seek(0.1);
    assert.equal(await file.captured(), 1);
    file.source.resume();
    assert.deepEqual([file.player.playing, file.player.time, file.source.index], [true, 0.1, 1]);
  });

  test("in real time frames have the player's times, once each, and jumps are no loops", async () => {
    file.values = { "file-pace": "real-time", "file-loop": true };
    file.open();
    const found = [];
    for (const [time, act] of /** @type {[number, (() => void)?][]} */ ([
      [0],
      [0],
      [0.3],
      [0.1],
      [0.05, () => file.source.seek(0.05)],
      [0.2],
    ])) {
      act?.();
      file.player.time = time;
      found.push(await file.position());
    }
    assert.deepEqual(found, [
      { time: 0, loop: 0, jump: false },
      undefined,
      { time: 0.3, loop: 0, jump: false },
      { time: 0.1, loop: 1, jump: false },
      { time: 0.05, loop: 1, jump: true },
      { time: 0.2, loop: 1, jump: false },
    ]);
    // What is captured before the file.player has got there does not take the jump's place.
    file.source.seek(0);
    file.player.seeking = true;
    assert.equal((await file.position()).jump, true);
    file.player.seeking = false;
    file.player.time = 0;
    assert.deepEqual(await file.position(), { time: 0, loop: 1, jump: true });
  });

  test("in real time the position is where the user wants it before the player gets there", async () => {
    file.values["file-pace"] = "real-time";
    file.open();
    file.player.events.onPicture(0.1);
    file.source.seek(0.3);
    file.player.seeking = true;
    assert.equal(file.source.time, 0.3);
    file.player.events.onPicture(0.12);
    assert.equal(file.source.time, 0.3, "a picture from before");
    file.player.seeking = false;
    file.player.events.onPicture(0.31);
    assert.equal(file.source.time, 0.31);
  });

  test("frame by frame the position never goes back to a frame that was on its way", async () => {
    file.open();
    await file.captured();
    const capturing = file.captured();
    /** @type {number[]} */
    const times = [];
    file.source.onChange = () => times.push(file.source.time);
    file.source.seek(0.34);
    assert.equal(times.at(-1), 0.34);
    assert.equal(await capturing, 1);
    assert.deepEqual([await file.captured(), times.at(-1), file.source.index], [3, 0.3, 3]);
    assert(
      times.every((time) => time >= 0.3),
      String(times),
    );
  });

  test("the rate that the file states is read once", async () => {
    file.open();
    assert.deepEqual(
      [await file.source.framesPerSecond(), await file.source.framesPerSecond(), file.ratesRead],
      [10, 10, 1],
    );
  });

  test("a file of unknown duration lasts to its last frame, once its frames are counted", async () => {
    file.player.duration = Number.POSITIVE_INFINITY;
    file.open();
    assert.equal(file.source.duration, 0);
    await file.source.capture();
    assert.equal(file.source.duration, 0.4);
  });
});
