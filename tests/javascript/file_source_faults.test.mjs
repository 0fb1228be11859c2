import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { TestedFile } from "./file_source_fixtures.mjs";

describe("A FileSource whose file is damaged, or cannot be read frame by frame", () => {
  /** @type {TestedFile} */
  let file;

  beforeEach(() => {
    file = new TestedFile();
  });

  test("a file that cannot be read frame by frame plays in real time, and says why", async () => {
    const sentence = "This file cannot be read frame by frame (no index); it plays in real time only.";
    file.openReader = async () => {
      throw new Error(sentence);
    };
    file.open();
    assert.equal(await file.source.capture(), null);
    assert.equal(file.source.problem, sentence);
    assert(file.player.playing);
    await file.source.seek(0.2);
    assert.equal(file.player.time, 0.2);
  });

  test("what cannot be decoded is passed over while the file plays, and one sentence says so", async () => {
    file.reader.broken = true;
    file.open();
    const found = [];
    for (let count = 0; count < 5; count++) found.push(await file.captured());
    assert.deepEqual(
      found.filter((each) => each !== undefined),
      [0, 1, 4],
    );
    assert.equal(
      file.source.damage,
      '"clip.webm" is damaged after 2 frames (bad data): what can be decoded is shown.',
    );
    file.source.pause();
    await file.source.show(2);
    assert.equal(await file.source.capture(), null);
    assert.deepEqual(file.heard.onRefused, [
      'Frame 3 of "clip.webm" cannot be decoded (bad data): step over it.',
    ]);
  });

  test("a file that was cut off says so, and where it ends once its frames are counted", async () => {
    file.reader.damage = "is damaged after 5 frames (the file is cut off: it states 9 bytes and has 5)";
    file.values["file-pace"] = "real-time";
    file.open("it states 9 bytes and has 5");
    assert.equal(file.source.damage, '"clip.webm" is cut off: it states 9 bytes and has 5.');
    file.player.events.onBroken();
    assert.deepEqual([file.heard.onFinished?.length, file.heard.onEnd], [1, []]);
    await file.source.step(1);
    assert.equal(
      file.source.damage,
      '"clip.webm" is damaged after 5 frames (the file is cut off: it states 9 bytes and has 5).',
    );
  });

  test("a video that breaks off is reported, one that ends rests", () => {
    file.values["file-pace"] = "real-time";
    file.open();
    file.player.events.onEnded();
    file.player.events.onBroken();
    assert.equal(file.heard.onFinished?.length, 1);
    assert.deepEqual(file.heard.onEnd, ['"clip.webm" broke off: the rest of the file cannot be read.']);
  });

  test("single frames of a file that has none change nothing, and damage to its end is its end", async () => {
    file.openReader = () => Promise.reject("no index");
    file.open();
    await file.source.step(1);
    await file.source.show(2);
    assert.deepEqual(
      [file.source.problem, file.source.index, file.source.count],
      ["no index", undefined, undefined],
    );
    file.openReader = async () => file.reader;
    file.reader.broken = true;
    file.reader.resumeAfter = () => undefined;
    file.values["file-pace"] = "every-frame";
    file.open();
    for (let count = 0; count < 4; count++) await file.source.capture();
    assert.deepEqual([file.source.index, file.heard.onFinished?.length], [4, 1]);
    file.player.capture = async () => /** @type {any} */ (null);
    file.values["file-pace"] = "real-time";
    file.open();
    assert.equal(await file.source.capture(), null);
  });
});
