import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { AnimationPlayer, AnimationReader } from "../../web/sources/animated_picture.mjs";
import { readAnimation, wholeWebp } from "../../web/sources/animation.mjs";

const letters = (/** @type {string} */ text) => [...text].map((letter) => letter.charCodeAt(0));
const u16 = (/** @type {number} */ value) => [value & 255, value >> 8];
const u32 = (/** @type {number} */ value) => [
  value >>> 24,
  (value >> 16) & 255,
  (value >> 8) & 255,
  value & 255,
];
/** @param {number[]} content @param {number} [end] */
const read = (content, end) => readAnimation(new Blob([Uint8Array.from(content).slice(0, end)]));

/** @param {number[]} delays in hundredths */
function gif(delays) {
  const image = [0x2c, 0, 0, 0, 0, ...u16(4), ...u16(3), 0x80, 1, 2, 3, 4, 5, 6, 2, 2, 0x44, 1, 0];
  const frames = delays.flatMap((delay) => [0x21, 0xf9, 4, 0, ...u16(delay), 0, 0, ...image]);
  const loop = [0x21, 0xff, 11, ...letters("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  return [...letters("GIF89a"), ...u16(4), ...u16(3), 0, 0, 0, ...loop, ...frames, 0x3b];
}

/** @param {[number, number][]} delays as fractions of a second @param {boolean} [still] whether another picture comes first */
function apng(delays, still = false) {
  const chunk = (/** @type {string} */ type, /** @type {number[]} */ data) => [
    ...u32(data.length),
    ...letters(type),
    ...data,
    0,
    0,
    0,
    0,
  ];
  const frames = delays.flatMap(([over, under]) => [
    ...chunk("fcTL", [...Array(20).fill(0), over >> 8, over & 255, under >> 8, under & 255, 0, 0]),
    ...chunk("fdAT", [9, 9]),
  ]);
  return [
    ...letters("\x89PNG\r\n\x1a\n"),
    ...chunk("IHDR", [...u32(5), ...u32(6), 8, 6, 0, 0, 0]),
    ...chunk("acTL", [...u32(delays.length), ...u32(0)]),
    ...(still ? chunk("IDAT", [1]) : []),
    ...frames,
    ...chunk("IEND", []),
  ];
}

describe("animated pictures", () => {
  test("have their delays; those of at most 10 ms are 100 ms", async () => {
    const found = await read(gif([7, 13, 1, 0, 2]));
    assert.deepEqual(found, {
      type: "image/gif",
      width: 4,
      height: 3,
      durations: [0.07, 0.13, 0.1, 0.1, 0.02],
      cut: false,
    });
    for (const still of [false, true]) {
      const png = await read(
        apng(
          [
            [1, 4],
            [3, 0],
            [0, 10],
          ],
          still,
        ),
      );
      assert.deepEqual(png, {
        type: "image/png",
        width: 5,
        height: 6,
        durations: [0.25, 0.03, 0.1],
        cut: false,
      });
    }
  });

  test("of one frame stand still", async () => {
    assert.equal(await read(gif([5])), null);
    assert.equal(await read(apng([[1, 4]])), null);
    assert.equal(await read(letters("GIF89a")), null);
    assert.equal(await read(letters("no picture")), null);
  });

  test("that are cut off have the frames that are whole", async () => {
    const picture = apng([
      [1, 4],
      [1, 4],
      [1, 4],
    ]);
    for (const [whole, end, frames] of /** @type {[number[], number, number][]} */ ([
      [gif([5, 5, 5]), -8, 2],
      [picture, -14, 2], // within the data of the last frame
      [picture, -30, 2], // within its delay
      [picture, -8, 3], // behind its data
      [picture, -12, 3],
    ])) {
      const found = await read(whole, end);
      assert.deepEqual([found?.durations.length, found?.cut], [frames, frames < 3]);
    }
    for (const whole of [gif([5, 5, 5]), picture]) {
      for (let end = 0; end < whole.length; end++) await read(whole, end);
    }
  });
});

test("a WebP that was cut off ends with its last whole chunk, and says so", async () => {
  const chunk = (/** @type {string} */ type, /** @type {number[]} */ data) => [
    ...letters(type),
    data.length,
    0,
    0,
    0,
    ...data,
  ];
  const frame = chunk("ANMF", [...Array(12).fill(0), 40, 0, 0, 0]);
  const head = chunk("VP8X", [2, 0, 0, 0, 7, 0, 0, 5, 0, 0]);
  const whole = [...letters("RIFF"), 200, 0, 0, 0, ...letters("WEBP"), ...head, ...frame, ...frame];
  const cut = [...whole, ...frame.slice(0, 9)];
  const animation = { type: "image/webp", width: 8, height: 6, durations: [0.04, 0.04], cut: true };
  assert.deepEqual(await read(cut), animation);
  whole[4] = whole.length - 8;
  assert.deepEqual([...new Uint8Array(wholeWebp(Uint8Array.from(cut).buffer))], whole);
});

describe("AnimationPlayer", () => {
  let now = 0;
  /** @type {number[]} */
  let pictures;
  let ended = 0;
  /** @type {AnimationPlayer} */
  let player;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    now = 0;
    pictures = [];
    ended = 0;
    const decode = async ({ frameIndex = 0 }) => ({
      image: { frameIndex, displayWidth: 4, displayHeight: 3 },
    });
    const decoder = /** @type {any} */ ({ decode, close() {} });
    player = new AnimationPlayer(new AnimationReader(decoder, { durations: [0.1, 0.3, 0.1] }), () => now);
    const events = { onPicture: (/** @type {number} */ time) => pictures.push(time), onEnded: () => ended++ };
    player.start(/** @type {any} */ (events));
    pictures = [];
  });
  afterEach(() => {
    player.close();
    mock.timers.reset();
  });

  /** @param {number} milliseconds */
  function pass(milliseconds) {
    for (let step = 0; step < milliseconds; step += 10) {
      now += 10;
      mock.timers.tick(10);
    }
  }
  const captured = async () => (await player.capture()).time;

  test("shows every frame for its time, then rests at the last one, and starts over", async () => {
    player.play(false);
    pass(700);
    assert.deepEqual([pictures, ended], [[0, 0.1, 0.4], 1]);
    assert.equal(await captured(), 0.4);
    player.play(false);
    assert.equal(await captured(), 0);
  });

  test("plays over and over with a loop", async () => {
    player.play(true);
    pass(650);
    assert.deepEqual([pictures, ended], [[0, 0.1, 0.4, 0, 0.1], 0]);
    assert.equal(await captured(), 0.1);
  });

  test("rests in a pause, and goes where it is sent", async () => {
    player.play(true);
    pass(150);
    player.pause();
    pass(900);
    assert.equal(await captured(), 0.1);
    player.seek(0.45);
    assert.equal(await captured(), 0.4);
    player.play(true);
    pass(60);
    assert.equal(await captured(), 0);
  });
});
