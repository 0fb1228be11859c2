import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { defaultsOf } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import { fakeElement } from "./fake_page.mjs";

/** @import { AutomaticSize as Size } from "../../web/sources/automatic_size.mjs" */

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);

const { AutomaticSize } = await import("../../web/sources/automatic_size.mjs");

const INTERVAL_MS = 1000 / 30;
const LONG = 100;

/** @extends {TypedEventTarget<any>} */
class FakeView extends TypedEventTarget {
  /** @param {string} event */
  tell(event) {
    this.emit(event, {});
  }
}

describe("AutomaticSize", () => {
  /** @type {FakeView} */
  let view;
  /** @type {Settings} */
  let settings;
  /** @type {Size} */
  let size;
  let now = 0;
  /** How often the source's width has changed. */
  let widths = 0;
  let hidden = false;

  beforeEach(() => {
    [now, widths, hidden] = [0, 0, false];
    mock.method(performance, "now", () => now);
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    fakeElement("toast").textContent = "";
    view = new FakeView();
    settings = new Settings(TABLE, defaultsOf(TABLE));
    size = new AutomaticSize({ view: /** @type {any} */ (view), settings }, () => {
      widths += 1;
    });
  });
  afterEach(() => {
    mock.restoreAll();
    Reflect.deleteProperty(document, "hidden");
    size.interrupt();
  });

  const said = () => fakeElement("toast").textContent;

  /** The size of a frame from a camera of 1920x1080. */
  function frame() {
    const { width, height } = size.frameSize(1920, 1080);
    return `${width}x${height}`;
  }

  /**
   * Plays frames that take half a second each, from a camera that gives 30 a second.
   * @param {number} frames
   * @param {{ pixels?: "cpu" | "gpu", inRealTime?: boolean }} [how]
   */
  function playSlowly(frames, { pixels = "gpu", inRealTime = true } = {}) {
    for (let i = 0; i < frames; i++) {
      now += INTERVAL_MS;
      size.offered();
      frame();
      size.shown(/** @type {any} */ ({ pixels }), 500, inRealTime);
    }
  }

  test("the default is today's size on the processor, which is never changed", () => {
    assert.deepEqual([frame(), size.sourceWidth], ["640x360", 640]);
    playSlowly(LONG, { pixels: "cpu" });
    assert.deepEqual([frame(), said(), widths], ["640x360", "", 0]);
  });

  test("on the graphics card it is the source's, and a smaller one is announced in a sentence", () => {
    playSlowly(1);
    assert.deepEqual([frame(), size.sourceWidth, widths, said()], ["1920x1080", 1920, 1, ""]);
    playSlowly(38);
    assert.equal(frame(), "1280x720");
    assert.equal(
      said(),
      "1920×1080 is too large for 30 frames a second here: the stream goes on at 1280×720.",
    );
    assert.equal(widths, 1);
    playSlowly(1, { pixels: "cpu" });
    assert.deepEqual([frame(), size.sourceWidth, widths], ["640x360", 640, 2], "back in memory");
  });

  test("a size that an option says is never changed", () => {
    for (const [values, chosen] of /** @type {[Record<string, string | number>, string][]} */ ([
      [{ "inference-width": 640, "inference-height": "auto" }, "640x360"],
      [{ "inference-width": "native", "inference-height": "auto" }, "1920x1080"],
      [{ "inference-height": 540 }, "960x540"],
      [{ "inference-height": "auto", mode: "tiled" }, "1280x720"],
    ])) {
      settings.set(values);
      playSlowly(LONG);
      assert.deepEqual([frame(), said(), widths], [chosen, "", 0]);
    }
    settings.set({ "inference-width": "auto" });
    playSlowly(LONG);
    assert.deepEqual([frame(), said(), size.sourceWidth], ["1280x720", "", 1280], "tiles");
    settings.set({ "inference-width": 320, mode: "realtime" });
    assert.equal(size.sourceWidth, undefined);
    settings.restoreAll();
    assert.equal(frame(), "1920x1080", "Reset hands it back to the page");
    playSlowly(LONG);
    assert.notEqual(said(), "");
  });

  test("files read frame by frame, hidden pages, recordings and loads of a model change nothing", () => {
    playSlowly(1);
    playSlowly(LONG, { inRealTime: false });
    hidden = true;
    playSlowly(LONG);
    hidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    size.hold(true);
    playSlowly(LONG);
    size.hold(false);
    for (const loading of ["model-progress", "encoder-progress", "model-lost"]) {
      view.tell(loading);
      playSlowly(LONG);
    }
    for (const over of ["model-ready", "model-error", "encoder-ready", "encoder-failed"]) {
      view.tell(over);
      playSlowly(30);
    }
    size.interrupt();
    playSlowly(30);
    assert.deepEqual([frame(), said()], ["1920x1080", ""]);
    playSlowly(LONG);
    assert.notEqual(frame(), "1920x1080");
  });

  test("another source starts one step higher", () => {
    playSlowly(50);
    assert.equal(frame(), "1280x720");
    size.newSource();
    assert.equal(frame(), "1920x1080");
  });
});
