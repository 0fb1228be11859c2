import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { fakeElement } from "./fake_page.mjs";

const { addFileOpening } = await import("../../web/controls/open_files.mjs");
const { PlaybackBar } = await import("../../web/playback/playback_bar.mjs");
const { openPicture } = await import("../../web/sources/image.mjs");

const notice = () => fakeElement("notice-text").textContent;

describe("opening files", () => {
  const input = fakeElement("file");
  const source = fakeElement("source");
  let needsFile = true;
  /** @type {File[]} */
  const opened = [];
  const page = /** @type {any} */ ({
    settings: { set() {} },
    player: { needsFile: () => needsFile, openFile: (/** @type {File} */ file) => opened.push(file) },
    maskSource: { choose() {} },
  });
  addFileOpening(page);

  beforeEach(() => {
    input.clicks = 0;
  });

  test("the source of files opens the dialog, unless it has a file or no user asked", () => {
    const choose = () => source.dispatchEvent(new Event("change"));
    choose();
    assert.equal(input.clicks, 1);
    needsFile = false;
    choose();
    needsFile = true;
    Object.assign(navigator, { userActivation: { isActive: false } });
    choose();
    assert.equal(input.clicks, 1);
    fakeElement("open-file").click();
    assert.equal(input.clicks, 2);
  });

  test("of several files the first one is opened, and a sentence says so", () => {
    const files = [new File(["1"], "a.webm"), new File(["2"], "b.webm")];
    Object.assign(input, { files });
    input.dispatchEvent(new Event("change"));
    assert.deepEqual(opened, [files[0]]);
    assert.equal(notice(), '"a.webm" is shown: the page opens one file at a time.');
  });
});

describe("the bar of a file", () => {
  const settings = /** @type {any} */ ({ option: () => ({}), values: {}, on() {}, set() {} });
  /** @type {TypedEventTarget<any>} */
  const player = /** @type {any} */ (new TypedEventTarget());
  new PlaybackBar({ settings, player: /** @type {any} */ (player) });
  const row = fakeElement("counting").parentElement;
  let cancelled = 0;
  /** @type {any} */
  const file = {
    time: 61.5,
    duration: 7200,
    problem: "",
    damage: "",
    counting: { frames: 12500, share: 0.256 },
    cancelCounting: () => cancelled++,
  };

  test("shows how far the frames of a long file are counted, and cancels that", () => {
    /** @type {any} */ (player).emit("source", { playback: file });
    assert.deepEqual(
      [row.hidden, fakeElement("counting").textContent, fakeElement("position-text").textContent],
      [false, "Counting frames: 12,500 (25 %)", "1:01.500 of 2:00:00.000"],
    );
    fakeElement("counting-cancel").click();
    assert.equal(cancelled, 1);
    file.counting = undefined;
    /** @type {any} */ (player).emit("position", file);
    assert(row.hidden);
  });

  test("says why single frames are unavailable, and offers none", () => {
    file.problem = "This file cannot be read frame by frame.";
    /** @type {any} */ (player).emit("position", file);
    assert.equal(fakeElement("playback-problem").textContent, file.problem);
    assert.deepEqual(
      ["step-back", "step-forward", "file-pace"].map((id) => fakeElement(id).disabled),
      [true, true, true],
    );
  });
});

describe("pictures", () => {
  /** @type {any} */
  let decoded;
  const setup = /** @type {any} */ ({
    size: (/** @type {number} */ width, /** @type {number} */ height) => ({ width, height }),
    values: { "static-fps": 1 },
    events: { onPicture() {} },
  });
  /** Two frames of 4x3 pixels. */
  const animation = [
    ..."GIF89a",
    ..."\x04\0\x03\0\0\0\0",
    ..."\x2c\0\0\0\0\x04\0\x03\0\0\x02\x01\x44\0".repeat(2),
    ";",
  ];
  const gif = new File([Uint8Array.from(animation, (letter) => letter.charCodeAt(0))], "a.gif");

  beforeEach(() => {
    decoded = { width: 4, height: 3, close() {} };
    Object.assign(globalThis, { createImageBitmap: async () => decoded });
  });
  afterEach(() => {
    Object.assign(globalThis, { createImageBitmap: undefined });
  });

  test("without ImageDecoder the first frame of an animation is shown, and a sentence says so", async () => {
    assert.equal(typeof ImageDecoder, "undefined");
    const source = await openPicture(gif, setup);
    assert.equal(notice(), 'This browser cannot play "a.gif": the first of its 2 frames is shown.');
    assert.equal(source.title, "a.gif");
    assert.deepEqual(await source.capture(), { image: decoded, width: 4, height: 3, still: true });
    source.close();
  });

  test("that are empty, too large or none have their sentences", async () => {
    await assert.rejects(
      openPicture(new File([], "a.png"), setup),
      /^Error: "a.png" is empty\. Choose a picture/,
    );
    decoded = { width: 12_000, height: 9_000, close() {} };
    await assert.rejects(openPicture(new File(["x"], "a.png"), setup), /too large \(12000×9000\)/);
    Object.assign(globalThis, { createImageBitmap: () => Promise.reject(new Error("no picture")) });
    await assert.rejects(openPicture(new File(["x"], "a.png"), setup), /"a.png" cannot be read as a picture/);
    const cut = new File(["RIFF\x40\0\0\0WEBPVP8 \x30\0\0\0"], "a.webp");
    await assert.rejects(
      openPicture(cut, setup),
      /picture\. It is cut off \(it states 72 bytes and has 20\): get the/,
    );
  });
});
