import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FileSource } from "../../web/sources/file_source.mjs";

const FRAMES = 5;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A player that shows what the test says. */
class FakePlayer {
  duration = FRAMES / 10;
  seeking = false;
  time = 0;
  loop = false;
  playing = false;
  closed = false;
  size = { width: 8, height: 6 };
  /** @type {any} */
  events;

  /** @param {any} events */
  start(events) {
    this.events = events;
  }

  /** @param {boolean} loop */
  play(loop) {
    this.playing = true;
    this.loop = loop;
  }

  /** @param {boolean} loop */
  setLoop(loop) {
    this.loop = loop;
  }

  pause() {
    this.playing = false;
  }

  /** @param {number} time */
  seek(time) {
    this.time = time;
  }

  async capture() {
    const image = /** @type {any} */ ({ close() {} });
    return { image, ...this.size, time: this.time };
  }

  close() {
    this.closed = true;
  }
}

/** Frames a tenth of a second apart; frame 2 to 3 fail to decode while `broken` says so. */
class FakeReader {
  count = FRAMES;
  damage = "";
  broken = false;
  closed = false;
  size = { width: 8, height: 6 };

  /** @param {number} index */
  timeOf(index) {
    return index / 10;
  }

  durationOf() {
    return 0.1;
  }

  /** @param {number} time */
  indexAt(time) {
    return Math.min(FRAMES - 1, Math.floor(time * 10 + 1e-6));
  }

  /** @param {number} index @returns {Promise<any>} */
  async frame(index) {
    if (this.broken && (index === 2 || index === 3)) throw new Error("bad data");
    return { image: index, ...this.size };
  }

  /** @param {number} index */
  resumeAfter(index) {
    return index < 4 ? 4 : undefined;
  }

  close() {
    this.closed = true;
  }
}

describe("FileSource", () => {
  /** @type {FakePlayer} */
  let player;
  /** @type {FakeReader} */
  let reader;
  /** @type {Record<string, any>} */
  let values;
  /** @type {Record<string, any[]>} */
  let heard;
  /** Counts the frames. @type {(setup: any) => Promise<any>} */
  let openReader;
  /** @type {FileSource} */
  let source;
  let ratesRead = 0;

  beforeEach(() => {
    player = new FakePlayer();
    reader = new FakeReader();
    values = { "file-pace": "every-frame", "file-loop": false };
    heard = { onPicture: [], onRefused: [], onFinished: [], onEnd: [] };
    openReader = async () => reader;
  });

  function open(missing = "") {
    const events = Object.fromEntries(
      Object.entries(heard).map(([name, calls]) => [name, (/** @type {any} */ said) => calls.push(said)]),
    );
    const size = (/** @type {number} */ width, /** @type {number} */ height) => ({ width, height });
    const setup = /** @type {any} */ ({ size, values, events });
    source = new FileSource(
      {
        name: "clip.webm",
        missing,
        player,
        openReader: (setup) => openReader(setup),
        readRate: async () => ++ratesRead && 10,
      },
      setup,
    );
  }

  /** @returns {Promise<any>} the number of the captured frame */
  const captured = async () => /** @type {any} */ (await source.capture())?.image;
  const position = async () => /** @type {any} */ (await source.capture())?.position;

  test("every frame comes once and in order, then the file rests at its end", async () => {
    open();
    const numbers = [];
    for (let count = 0; count < FRAMES; count++) numbers.push(await captured());
    assert.deepEqual(numbers, [0, 1, 2, 3, 4]);
    assert.equal(await source.capture(), null);
    assert.equal(heard.onFinished?.length, 1);
    assert.deepEqual([source.index, source.count, source.time], [4, 5, 0.4]);
    assert(!player.playing);
  });

  test("the first frame comes first, wherever the clock of the player starts", async () => {
    open();
    player.events.onPicture(0.2);
    assert.equal(await captured(), 0);
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

  test("every frame has its time, and the loop in which it is shown", async () => {
    values["file-loop"] = true;
    open();
    const positions = [];
    for (let count = 0; count < FRAMES + 2; count++) positions.push(await position());
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
    source.pause();
    await source.step(-1);
    assert.deepEqual(await position(), { time: 0, duration: 0.1, loop: 1, jump: true });
    await source.step(1);
    assert.deepEqual(await position(), { time: 0.1, duration: 0.1, loop: 1, jump: false });
  });

  test("in real time the player keeps the time, and a step is counted from there", async () => {
    values["file-pace"] = "real-time";
    open();
    assert(player.playing);
    player.events.onPicture(0.31);
    assert.equal(source.time, 0.31);
    source.pause();
    await source.step(1);
    assert.equal(await captured(), 4);
    await source.seek(0.1);
    assert.equal(await captured(), 1);
    source.resume();
    assert.deepEqual([player.playing, player.time, source.index], [true, 0.1, 1]);
  });

  test("in real time frames have the player's times, once each, and jumps are no loops", async () => {
    values = { "file-pace": "real-time", "file-loop": true };
    open();
    const found = [];
    for (const [time, act] of /** @type {[number, (() => void)?][]} */ ([
      [0],
      [0],
      [0.3],
      [0.1],
      [0.05, () => source.seek(0.05)],
      [0.2],
    ])) {
      act?.();
      player.time = time;
      found.push(await position());
    }
    assert.deepEqual(found, [
      { time: 0, loop: 0, jump: false },
      undefined,
      { time: 0.3, loop: 0, jump: false },
      { time: 0.1, loop: 1, jump: false },
      { time: 0.05, loop: 1, jump: true },
      { time: 0.2, loop: 1, jump: false },
    ]);
    // What is captured before the player has got there does not take the jump's place.
    source.seek(0);
    player.seeking = true;
    assert.equal((await position()).jump, true);
    player.seeking = false;
    player.time = 0;
    assert.deepEqual(await position(), { time: 0, loop: 1, jump: true });
  });

  test("in real time the position is where the user wants it before the player gets there", async () => {
    values["file-pace"] = "real-time";
    open();
    player.events.onPicture(0.1);
    source.seek(0.3);
    player.seeking = true;
    assert.equal(source.time, 0.3);
    player.events.onPicture(0.12);
    assert.equal(source.time, 0.3, "a picture from before");
    player.seeking = false;
    player.events.onPicture(0.31);
    assert.equal(source.time, 0.31);
  });

  test("frame by frame the position never goes back to a frame that was on its way", async () => {
    open();
    await captured();
    const capturing = captured();
    /** @type {number[]} */
    const times = [];
    source.onChange = () => times.push(source.time);
    source.seek(0.34);
    assert.equal(times.at(-1), 0.34);
    assert.equal(await capturing, 1);
    assert.deepEqual([await captured(), times.at(-1), source.index], [3, 0.3, 3]);
    assert(
      times.every((time) => time >= 0.3),
      String(times),
    );
  });

  test("where the picture's size changes, later frames have the size of the first one", async () => {
    const sizes = async () => {
      const found = [];
      for (const width of [8, 16, 4]) {
        player.size = reader.size = { width, height: 3 * width };
        player.time += 0.1;
        const frame = /** @type {any} */ (await source.capture());
        found.push([frame.width, frame.height]);
      }
      return found;
    };
    const first = Array(3).fill([8, 24]);
    open();
    assert.deepEqual(await sizes(), first);
    values["file-pace"] = "real-time";
    open();
    assert.deepEqual(await sizes(), first);
  });

  test("the rate that the file states is read once", async () => {
    open();
    assert.deepEqual(
      [await source.framesPerSecond(), await source.framesPerSecond(), ratesRead],
      [10, 10, 1],
    );
  });

  test("a file that cannot be read frame by frame plays in real time, and says why", async () => {
    const sentence = "This file cannot be read frame by frame (no index); it plays in real time only.";
    openReader = async () => {
      throw new Error(sentence);
    };
    open();
    assert.equal(await source.capture(), null);
    assert.equal(source.problem, sentence);
    assert(player.playing);
    await source.seek(0.2);
    assert.equal(player.time, 0.2);
  });

  test("counting shows how far it is, can be cancelled, and be started again", async () => {
    /** @type {any} */
    let setup;
    const count = openReader;
    openReader = (given) =>
      new Promise((_, reject) => {
        setup = given;
        given.signal.addEventListener("abort", () => reject(given.signal.reason));
      });
    open();
    const capturing = source.capture();
    setup.onProgress({ frames: 500, share: 0.25 });
    assert.deepEqual(source.counting, { frames: 500, share: 0.25 });
    source.cancelCounting();
    assert.equal(await capturing, null);
    assert.deepEqual([source.counting, source.problem], [undefined, ""]);
    assert.match(heard.onRefused?.[0], /^Counting the frames was cancelled: press Start/);
    openReader = count;
    source.resume();
    assert.equal(await captured(), 0);
  });

  test("what cannot be decoded is passed over while the file plays, and one sentence says so", async () => {
    reader.broken = true;
    open();
    const found = [];
    for (let count = 0; count < 5; count++) found.push(await captured());
    assert.deepEqual(
      found.filter((each) => each !== undefined),
      [0, 1, 4],
    );
    assert.equal(
      source.damage,
      '"clip.webm" is damaged after 2 frames (bad data): what can be decoded is shown.',
    );
    source.pause();
    await source.show(2);
    assert.equal(await source.capture(), null);
    assert.deepEqual(heard.onRefused, ['Frame 3 of "clip.webm" cannot be decoded (bad data): step over it.']);
  });

  test("a file that was cut off says so, and where it ends once its frames are counted", async () => {
    reader.damage = "is damaged after 5 frames (the file is cut off: it states 9 bytes and has 5)";
    values["file-pace"] = "real-time";
    open("it states 9 bytes and has 5");
    assert.equal(source.damage, '"clip.webm" is cut off: it states 9 bytes and has 5.');
    player.events.onBroken();
    assert.deepEqual([heard.onFinished?.length, heard.onEnd], [1, []]);
    await source.step(1);
    assert.equal(
      source.damage,
      '"clip.webm" is damaged after 5 frames (the file is cut off: it states 9 bytes and has 5).',
    );
  });

  test("the player follows the loop option", () => {
    values = { "file-pace": "real-time", "file-loop": true };
    open();
    assert.equal(player.loop, true);
    values["file-loop"] = false;
    source.configure();
    assert.equal(player.loop, false);
  });

  test("a video that breaks off is reported, one that ends rests", () => {
    values["file-pace"] = "real-time";
    open();
    player.events.onEnded();
    player.events.onBroken();
    assert.equal(heard.onFinished?.length, 1);
    assert.deepEqual(heard.onEnd, ['"clip.webm" broke off: the rest of the file cannot be read.']);
  });

  test("a file of unknown duration lasts to its last frame, once its frames are counted", async () => {
    player.duration = Number.POSITIVE_INFINITY;
    open();
    assert.equal(source.duration, 0);
    await source.capture();
    assert.equal(source.duration, 0.4);
  });

  test("single frames of a file that has none change nothing, and damage to its end is its end", async () => {
    openReader = () => Promise.reject("no index");
    open();
    await source.step(1);
    await source.show(2);
    assert.deepEqual([source.problem, source.index, source.count], ["no index", undefined, undefined]);
    openReader = async () => reader;
    reader.broken = true;
    reader.resumeAfter = () => undefined;
    values["file-pace"] = "every-frame";
    open();
    for (let count = 0; count < 4; count++) await source.capture();
    assert.deepEqual([source.index, heard.onFinished?.length], [4, 1]);
    player.capture = async () => /** @type {any} */ (null);
    values["file-pace"] = "real-time";
    open();
    assert.equal(await source.capture(), null);
  });

  test("closing frees the player and the reader, also one that is still being opened", async () => {
    open();
    const capturing = source.capture();
    source.close();
    await capturing;
    await settled();
    assert.deepEqual([player.closed, reader.closed], [true, true]);
  });
});
