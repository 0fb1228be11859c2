import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { fakeElement } from "./fake_page.mjs";
import { newPlayer } from "./player_fixtures.mjs";

/** @import { PlayerPage } from "./player_fixtures.mjs" */

const INTERVAL_MS = 1000 / 30;
const SLOW_MS = 500;
const LONG = 60;

// What the page starts with: the size is the page's to choose.
const AUTOMATIC = { source: "camera", "inference-width": "auto" };

/** The page's <video>, which shows a camera whose pictures come when the test says so. */
const video = /** @type {any} */ (fakeElement("video"));

describe("SourcePlayer with a camera of 1920x1080", () => {
  /** @type {PlayerPage} */
  let page;
  let now = 0;
  /** What the camera was asked for, first by the page's start. @type {any[]} */
  let asked;
  let onPicture = () => {};

  beforeEach(async () => {
    now = 0;
    asked = [];
    mock.method(performance, "now", () => now);
    Object.defineProperty(document, "hidden", { configurable: true, value: false });
    Object.assign(globalThis, { createImageBitmap: async () => ({ close() {} }) });
    Object.assign(video, {
      ...{ videoWidth: 1920, videoHeight: 1080, readyState: 2, srcObject: null },
      play: async () => {},
      pause() {},
      requestVideoFrameCallback(/** @type {Function} */ callback) {
        onPicture = () => callback(now, { mediaTime: now / 1000 });
        return 1;
      },
      cancelVideoFrameCallback() {
        onPicture = () => {};
      },
    });
    const getUserMedia = async (/** @type {any} */ { video: wanted }) => {
      asked.push(wanted);
      const track = Object.assign(new EventTarget(), {
        getSettings: () => ({ deviceId: "1" }),
        applyConstraints: async (/** @type {any} */ other) => asked.push(other),
        stop() {},
      });
      return { getTracks: () => [track], getVideoTracks: () => [track] };
    };
    Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: { getUserMedia } });
    fakeElement("toast").textContent = "";
    page = newPlayer(AUTOMATIC);
    page.view.start();
    await page.player.open("camera");
    await settled();
  });

  afterEach(() => {
    page.player.close();
    mock.restoreAll();
    Reflect.deleteProperty(document, "hidden");
    Reflect.deleteProperty(navigator, "mediaDevices");
  });

  /**
   * Plays frames, each of which is finished before the camera's next picture comes.
   * @param {number} frames
   * @param {{ milliseconds?: number, pixels?: "cpu" | "gpu" }} [how]
   */
  async function play(frames, { milliseconds = SLOW_MS, pixels = "gpu" } = {}) {
    for (let i = 0; i < frames; i++) {
      // The time between two pictures is the camera's; the time of a frame is what it took.
      const started = now;
      now = started + milliseconds;
      page.view.finishFrame({ pixels });
      now = started + INTERVAL_MS;
      onPicture();
      await settled();
    }
  }

  /** The size of the newest frame. */
  function size() {
    const { width, height } = page.view.sent.at(-1);
    return `${width}x${height}`;
  }

  const widths = () => asked.map(({ width }) => width.ideal);
  const said = () => fakeElement("toast").textContent;

  test("frames grow with the pixels on the graphics card, and the camera is asked for larger pictures", async () => {
    assert.deepEqual([size(), widths()], ["640x360", [640]]);
    await play(2, { milliseconds: 5 });
    assert.deepEqual([size(), widths()], ["1920x1080", [640, 1920]]);
    await play(LONG, { milliseconds: 5 });
    assert.deepEqual([size(), said()], ["1920x1080", ""]);
    await play(2, { pixels: "cpu" });
    assert.deepEqual([size(), widths()], ["640x360", [640, 1920, 640]], "back in memory");
  });

  test("frames that take too long become smaller, and the page says so", async () => {
    await play(LONG);
    assert.equal(size(), "1280x720");
    assert.match(String(said()), /^1920×1080 is too large for 30 frames a second here/);
    assert.deepEqual(widths(), [640, 1920], "the camera goes on as it is");
  });

  test("a recording keeps its size; afterwards it follows again", async () => {
    await play(2);
    page.player.holdSize(true);
    await play(LONG);
    assert.deepEqual([size(), said()], ["1920x1080", ""]);
    page.player.holdSize(false);
    await play(LONG);
    assert.equal(size(), "1280x720");
  });

  test("what was measured before a pause does not count after it", async () => {
    await play(2);
    for (let pauses = 0; pauses < 3; pauses++) {
      await play(30);
      page.player.pause();
      await page.player.toggle();
      await settled();
    }
    assert.deepEqual([size(), said()], ["1920x1080", ""]);
    assert.deepEqual(
      widths().slice(1),
      [1920, 1920, 1920, 1920],
      "a camera taken again is asked for the same",
    );
  });

  test("a source opened again starts one step larger than the last one ended", async () => {
    await play(LONG);
    assert.equal(size(), "1280x720");
    await page.player.open("camera");
    await settled();
    assert.equal(size(), "1920x1080");
  });

  test("modes with tiles get their larger frames from a camera that is asked for them", async () => {
    page.settings.set({ "mask-source": "autogaze", mode: "tiled" });
    await play(1, { pixels: "cpu" });
    assert.deepEqual([size(), widths()], ["1280x720", [640, 1280]]);
    page.settings.set({ mode: "realtime" });
    await play(1, { pixels: "cpu" });
    assert.deepEqual([size(), widths()], ["640x360", [640, 1280, 640]]);
  });

  test("a size that an option says is asked for at once, whatever frames take", async () => {
    page.settings.set({ "inference-width": 320 });
    await play(LONG);
    assert.deepEqual([size(), widths(), said()], ["320x180", [640, 320], ""]);
  });
});
