import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { defaultsOf } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import { fakeElement } from "./fake_page.mjs";

const { addVision } = await import("../../web/vision/vision.mjs");
const { VisionPanel } = await import("../../web/vision/vision_panel.mjs");

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);
const FEATURE = fakeElement("feature-vision");
const RUN = fakeElement("vision-run");
const CANVASES = ["vision-rebuilt", "vision-colours", "vision-full-rebuilt", "vision-full-colours"];
fakeElement("vision-shown").append(...CANVASES.map(fakeElement));
fakeElement("vision-full").checked = true;

/** The text that is shown. @param {string} name of an element of the view */
const text = (name) => fakeElement(`vision-${name}`).textContent;

/** The texts of a table's rows, those of one cell joined. @param {string} name */
const rows = (name) =>
  fakeElement(`vision-${name}`).rows.map(({ cells }) =>
    cells.map(
      ({ textContent, children }) => textContent || children.map((each) => each.textContent).join(" "),
    ),
  );

const shownPictures = () => CANVASES.filter((id) => fakeElement(id).picture);

const NET = { gazeMs: 10, gazedMs: 5, fullMs: 40, savedMs: 25, breakEven: 0.3 };
const LARGER = { name: "base", tokens: 1060, gazed: 64, fullGflops: 1234.5, gazedGflops: 70 };

/** @param {object} [changed] */
function encodedFrame(changed) {
  const picture = new Uint8ClampedArray(16);
  return /** @type {any} */ ({
    keyframe: false,
    tokens: new Int32Array(16),
    rebuilt: picture,
    colours: picture,
    fullRebuilt: picture,
    fullColours: picture,
    vision: {
      patches: 265,
      similarity: 0.5,
      rebuiltPsnr: 30,
      net: NET,
      projections: [{ ...LARGER, fullMs: 2000, gazedMs: 500 }],
    },
    ...changed,
  });
}

const keyframe = () =>
  encodedFrame({ keyframe: true, tokens: new Int32Array(265), vision: { patches: 265, similarity: 1 } });

/** The view on a page whose AutoGaze chooses the cells; `done`: what was asked of the encoder. */
function makePanel() {
  const settings = new Settings(TABLE, defaultsOf(TABLE, "realtime"));
  /** @type {unknown[]} */
  const done = [];
  const view = Object.assign(/** @type {any} */ (new TypedEventTarget()), {
    startEncoder: (/** @type {unknown} */ how) => done.push(how),
    stopEncoder: () => done.push("stop"),
  });
  const maskSource = Object.assign(/** @type {any} */ (new TypedEventTarget()), {
    chosen: "autogaze",
    backend: "WebGPU",
  });
  const player = Object.assign(/** @type {any} */ (new TypedEventTarget()), { name: "sample" });
  new VisionPanel({ view, settings, player, maskSource });
  /** Shows a frame and its numbers. @param {any} frame */
  const show = (frame) => {
    view.emit("encoder-frame", frame);
    mock.timers.tick(250);
  };
  const ready = (backend = "WebGPU") => view.emit("encoder-ready", { backend, notes: ["A note."] });
  return { view, settings, maskSource, player, done, show, ready };
}

/** One that shows a frame. */
function makeShowing() {
  const panel = makePanel();
  RUN.click();
  panel.ready();
  panel.show(encodedFrame());
  assert.equal(shownPictures().length, 4);
  panel.done.splice(0);
  return panel;
}

function assertEmpty() {
  assert.deepEqual(shownPictures(), []);
  assert.deepEqual(
    [text("sentence"), text("hint"), text("verdict")],
    ["The introduction.", "The invitation.", ""],
  );
  assert.deepEqual([text("gazed"), text("similarity"), text("psnr")], ["–", "–", "–"]);
  assert.deepEqual([rows("net"), rows("projections")], [[], []]);
}

/** Stops listening to what the last test's panel listened to. @type {AbortController} */
let listening;
const listen = EventTarget.prototype.addEventListener;
beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  FEATURE.open = true;
  fakeElement("vision-sentence").textContent = "The introduction.";
  fakeElement("vision-hint").textContent = "The invitation.";
  listening = new AbortController();
  const { signal } = listening;
  for (const each of [FEATURE, RUN, fakeElement("vision-full")])
    each.addEventListener = (type, listener, options) =>
      listen.call(each, type, listener, { .../** @type {object} */ (options), signal });
});
afterEach(() => {
  listening.abort();
  mock.timers.reset();
});

test("the button can be pressed once there is someone who listens", async () => {
  const page = await readFile(new URL("../../web/vision/vision.html", import.meta.url), "utf-8");
  assert.match(page, /<button [^>]*id="vision-run" disabled>/);
  RUN.disabled = true;
  makePanel();
  assert.equal(RUN.disabled, false);
});

describe("the view of a vision model", () => {
  test("shows a frame, what is kept and what is saved", () => {
    const { done } = makeShowing();
    assert.match(text("sentence"), /rebuilt this frame from 16 of 265 patches/);
    assert.deepEqual([text("status"), text("facts")], ["A note.", "The model runs on WebGPU."]);
    assert.deepEqual([text("hint"), text("gazed"), text("patches")], ["16 of 265", "16", "265"]);
    assert.match(text("verdict"), /saves 63 %: 25\.0 ms of 40\.0 ms/);
    assert.deepEqual(rows("net").at(-1), ["Together", "15.0 ms", "40.0 ms"]);
    const totals = fakeElement("vision-net").rows.map(({ classes }) => classes.has("vision-total"));
    assert.deepEqual(totals, [false, false, false, true]);
    assert.deepEqual(rows("projections"), [
      ["base 1,060 patches, 1,235 billion operations a frame", "500 ms", "2.0 s", "75 %"],
    ]);
    RUN.click();
    assert.deepEqual(done, ["stop"]);
    assertEmpty();
    assert.match(text("status"), /about 6 MB/);
  });

  test("runs on the chosen backend, and starts again on another", () => {
    const { view, settings, done, show, ready } = makePanel();
    settings.set({ backend: "wasm" });
    assert.deepEqual(done, []);
    RUN.click();
    assert.deepEqual(done.splice(0), [{ full: true, backend: "wasm" }]);
    ready("WebAssembly");
    show(encodedFrame());
    settings.set({ backend: "webgpu" });
    assert.deepEqual(done.splice(0), ["stop", { full: true, backend: "webgpu" }]);
    assertEmpty();
    view.emit("encoder-progress", { loaded: 1e6, total: 2e6 });
    assert.equal(text("hint"), "1.0 of 2.0 MB");
    // Of the encoder that was stopped.
    show(encodedFrame());
    assert.deepEqual(shownPictures(), []);
    ready("WebGPU");
    show(encodedFrame());
    assert.deepEqual([text("status"), text("facts")], ["A note.", "The model runs on WebGPU."]);
  });

  test("empties itself once whole frames are gazed at no longer, and says why", () => {
    const { settings, maskSource, show } = makeShowing();
    settings.set({ "patch-diff-grid": 7 });
    assert.equal(shownPictures().length, 4);
    settings.set({ mode: "tiled" });
    assertEmpty();
    assert.match(text("status"), /not tiles: set Mode to Realtime/);
    show(encodedFrame());
    assertEmpty();
    settings.set({ mode: "realtime" });
    assert.match(text("status"), /next gaze/);
    show(encodedFrame());

    maskSource.backend = "";
    maskSource.emit("active", "patch-diff");
    assertEmpty();
    assert.match(text("status"), /Waiting for AutoGaze to load/);
    maskSource.chosen = "patch-diff";
    maskSource.emit("chosen", "patch-diff");
    assert.match(text("status"), /needs AutoGaze: choose it/);
    show(encodedFrame());
    assertEmpty();
  });

  test("begins anew with another worker, and says what failed", () => {
    const { view, done, show, ready } = makeShowing();
    view.emit("restart", {});
    assertEmpty();
    assert.deepEqual(done.splice(0), [{ full: true, backend: "auto" }]);
    assert.match(text("status"), /Loading the vision model/);
    ready("WebAssembly");
    show(encodedFrame());
    assert.deepEqual([text("status"), text("facts")], ["A note.", "The model runs on WebAssembly."]);
    view.emit("encoder-failed", { message: "There is no memory." });
    assertEmpty();
    assert.equal(text("status"), "There is no memory.");
    view.emit("restart", {});
    // Of the encoder that failed.
    ready();
    assert.deepEqual([done, text("status")], [["stop"], "There is no memory."]);
  });

  test("of a stream's first frame it says that nothing is saved, and of a still picture that nothing will be", () => {
    const { player, show } = makeShowing();
    player.emit("opening", null);
    assertEmpty();
    show(encodedFrame());
    show(keyframe());
    assert.match(text("sentence"), /reads the first frame whole: all 265 patches/);
    assert.equal(text("verdict"), "The first frame is read whole, so nothing is saved yet.");
    assert.deepEqual([rows("net"), rows("projections")], [[], []]);
    player.name = "image";
    show(keyframe());
    assert.match(text("verdict"), /choose a moving source/);
    // All patches are encoded no longer.
    show(encodedFrame({ vision: { patches: 265 } }));
    assert.equal(text("verdict"), "");
  });

  test("pauses while its feature is closed", () => {
    const { done, ready, show } = makeShowing();
    FEATURE.open = false;
    FEATURE.dispatchEvent(new Event("toggle"));
    show(encodedFrame());
    assertEmpty();
    FEATURE.open = true;
    FEATURE.dispatchEvent(new Event("toggle"));
    ready();
    fakeElement("vision-full").checked = false;
    fakeElement("vision-full").dispatchEvent(new Event("change"));
    fakeElement("vision-full").checked = true;
    assert.deepEqual(done, ["stop", { full: true, backend: "auto" }, { full: false, backend: "auto" }]);
  });
});

test("the view's code is fetched when it is opened, and again where that failed", async () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const notice = fakeElement("notice-text");
  let made = 0;
  let loads = 0;
  class Panel {
    constructor() {
      made += 1;
    }
  }
  const toggle = async (/** @type {boolean} */ open) => {
    FEATURE.open = open;
    FEATURE.dispatchEvent(new Event("toggle"));
    FEATURE.dispatchEvent(new Event("toggle"));
    await settled();
  };
  addVision(/** @type {any} */ ({}), async () => {
    loads += 1;
    if (loads === 1) throw new TypeError("Failed to fetch dynamically imported module");
    return { VisionPanel: Panel };
  });
  await toggle(true);
  assert.deepEqual([made, notice.textContent], [0, "A part of the page is missing: reload it."]);
  await toggle(false);
  assert.equal(loads, 1);
  await toggle(true);
  assert.deepEqual([made, notice.textContent], [1, ""]);
  await toggle(true);
  assert.deepEqual([made, loads], [1, 2]);
});
