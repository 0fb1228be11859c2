import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { defaultsOf } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import { fakeElement } from "./fake_page.mjs";

/** @import { SourcePlayer as Player } from "../../web/sources/source_player.mjs" */

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);

const { SourcePlayer } = await import("../../web/sources/source_player.mjs");
const { hideNotice } = await import("../../web/page/notice.mjs");
const { firstFrame } = await import("../../web/sources/first_frame.mjs");

/**
 * In place of the live view: collects frames, and finishes them when the test says so.
 * @extends {TypedEventTarget<{ frame: any, "frame-error": { message: string }, restart: null }>}
 */
class FakeView extends TypedEventTarget {
  /** @type {any[]} */
  sent = [];
  streams = 0;
  start = () => {};
  /** @type {Promise<void>} */
  ready = Promise.resolve();

  constructor() {
    super();
    this.awaitStart();
  }

  awaitStart() {
    this.ready = new Promise((resolve) => {
      this.start = resolve;
    });
  }

  newStream() {
    this.streams += 1;
  }

  /** @param {any} frame */
  send(frame) {
    this.sent.push(frame);
  }

  redraw() {}

  finishFrame() {
    this.emit("frame", {});
  }

  restart() {
    this.awaitStart();
    this.emit("restart", null);
  }
}

describe("SourcePlayer", () => {
  /** @type {FakeView} */
  let view;
  /** @type {Settings} */
  let settings;
  /** @type {string[]} */
  let states;
  /** @type {Player} */
  let player;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setInterval"] });
    fakeElement("notice-text").textContent = "";
    states = [];
    view = new FakeView();
    settings = new Settings(TABLE, {
      ...defaultsOf(TABLE),
      source: "synthetic-pan",
      "inference-width": 64,
      "inference-height": "auto",
    });
    player = new SourcePlayer({ view: /** @type {any} */ (view), settings });
    player.on("state", (state) => states.push(state));
  });
  afterEach(() => {
    player.close();
    mock.timers.reset();
  });

  const problem = () => fakeElement("notice-text").textContent;

  async function tick() {
    mock.timers.tick(34);
    await settled();
  }

  test("sends nothing before the worker is there, then frame after frame in the wanted size", async () => {
    await player.open("synthetic-pan");
    await tick();
    assert.deepEqual(view.sent, []);
    view.start();
    await settled();
    view.finishFrame();
    await tick();
    assert.deepEqual(
      view.sent.map(({ synthetic, index, width, height }) => [synthetic, index, width, height]),
      [
        ["synthetic-pan", 0, 64, 36],
        ["synthetic-pan", 1, 64, 36],
      ],
    );
    assert.deepEqual(states, ["stopped", "opening", "running"]);
  });

  test("a frame in work is not overtaken, and newer ones replace each other", async () => {
    await player.open("synthetic-pan");
    view.start();
    await settled();
    for (let ticks = 0; ticks < 5; ticks++) await tick();
    assert.equal(view.sent.length, 1);
    assert.equal(player.replaced, 4);
    view.finishFrame();
    await settled();
    assert.equal(view.sent.length, 2);
  });

  test("pausing stops the frames, toggling goes on with the next one", async () => {
    await player.open("synthetic-pan");
    view.start();
    await settled();
    view.finishFrame();
    await player.toggle();
    assert.equal(player.state, "paused");
    await tick();
    assert.equal(view.sent.length, 1);
    await player.toggle();
    await tick();
    assert.deepEqual([player.state, view.sent.length, view.sent[1].index], ["running", 2, 1]);
  });

  test("another source begins another stream, at its first frame", async () => {
    await player.open("synthetic-pan");
    view.start();
    await settled();
    const before = view.streams;
    settings.set({ source: "synthetic-pulse" });
    await settled();
    assert(view.streams > before);
    assert.deepEqual([view.sent.at(-1).synthetic, view.sent.at(-1).index], ["synthetic-pulse", 0]);
    assert.equal(player.name, "synthetic-pulse");
  });

  test("only an option that its source is opened with opens it again", async () => {
    await player.open("synthetic-pan");
    const before = view.streams;
    settings.set({ "blend-alpha": 0.25 });
    assert.equal(view.streams, before);
    settings.set({ "camera-width": 320 });
    assert.equal(view.streams, before, "an option of the camera alone");
    settings.set({ source: "image" });
    const opened = view.streams;
    settings.set({ "static-fps": 5 });
    assert(view.streams > opened);
  });

  test("files and pictures wait for a choice", async () => {
    for (const name of ["file", "image"]) {
      await player.open(name);
      assert.equal(player.state, "needs-file");
    }
    assert.equal(problem(), "");
  });

  test("a source that fails to open is reported, and none runs", async () => {
    settings.values["video-url"] = "./missing.webm";
    globalThis.fetch = async () => new Response("no", { status: 404 });
    await player.open("file");
    assert.equal(problem(), '"./missing.webm" is not there (404): check the address.');
    assert.equal(player.state, "stopped");
  });

  test("a file that cannot be opened is reported, and what was open before it opens again", async () => {
    const drawing = new File(["<svg xmlns='http://www.w3.org/2000/svg'/>"], "a.svg");
    await player.openFile(drawing);
    assert.deepEqual([player.state, player.isPrivate], ["stopped", true], "there was nothing before it");
    await player.open("synthetic-pan");
    /** @type {string[]} */
    const named = [];
    await player.openFile(drawing, (source) => {
      named.push(source);
      hideNotice(); // as the page does when an option changes
    });
    assert.match(problem(), /^"a\.svg" is an SVG drawing/);
    assert.deepEqual([player.state, player.name, player.isPrivate], ["running", "synthetic-pan", false]);
    assert.deepEqual(named, ["image", "synthetic-pan"]);
  });

  test("after two bad files in a row what ran before the first one runs again", async () => {
    await player.open("synthetic-pan");
    await Promise.all([
      player.openFile(new File(["<svg/>"], "a.svg")),
      player.openFile(new File(["<svg/>"], "b.svg")),
    ]);
    assert.deepEqual([player.state, player.name, player.isPrivate], ["running", "synthetic-pan", false]);
    assert.match(problem(), /^"b\.svg" is an SVG drawing/);
    await player.open("image");
    assert.equal(player.state, "needs-file", "neither of them is kept");
  });

  test("what was paused before a bad file is paused again, after a second one too", async () => {
    await player.open("synthetic-pan");
    player.pause();
    await player.openFile(new File(["<svg/>"], "a.svg"));
    assert.deepEqual([player.state, player.name], ["paused", "synthetic-pan"]);
    await Promise.all([
      player.openFile(new File(["<svg/>"], "a.svg")),
      player.openFile(new File(["<svg/>"], "b.svg")),
    ]);
    assert.deepEqual([player.state, player.name], ["paused", "synthetic-pan"]);
    await player.open("synthetic-pan");
    assert.equal(player.state, "running", "a source that the user opens runs");
  });

  describe("with a video before a bad file", () => {
    /** @type {any} */
    const video = fakeElement("video");
    let address = "";

    beforeEach(async () => {
      Object.defineProperty(video, "src", {
        configurable: true,
        get: () => address,
        set(url) {
          address = url;
          queueMicrotask(() => video.dispatchEvent(new Event("loadeddata")));
        },
      });
      Object.assign(video, {
        ...{ currentTime: 0, duration: 5, videoWidth: 160, videoHeight: 96 },
        play: async () => {},
        pause() {},
        load() {},
        requestVideoFrameCallback: () => 1,
        cancelVideoFrameCallback() {},
      });
      settings.values["video-url"] = "./clip.webm";
      settings.values["file-pace"] = "real-time";
      globalThis.fetch = async () => new Response("a video, as far as the page can know");
      await player.open("file");
      player.playback?.seek(2.5);
    });

    afterEach(() => {
      player.close();
      Reflect.deleteProperty(video, "src");
    });

    test("the video goes on where it was", async () => {
      const before = player.playback;
      video.currentTime = 0;
      await player.openFile(new File(["<svg/>"], "a.svg"));
      assert.notEqual(player.playback, before, "it was opened again");
      assert.deepEqual([player.state, player.playback?.time, video.currentTime], ["running", 2.5, 2.5]);
    });

    test("a paused video is paused where it was, after two bad files too", async () => {
      player.pause();
      video.currentTime = 0;
      /** @type {number[]} */
      const positions = [];
      player.on("position", ({ time }) => positions.push(time));
      await Promise.all([
        player.openFile(new File(["<svg/>"], "a.svg")),
        player.openFile(new File(["<svg/>"], "b.svg")),
      ]);
      assert.deepEqual([player.state, player.playback?.time, video.currentTime], ["paused", 2.5, 2.5]);
      assert.equal(positions.at(-1), 2.5);
    });
  });

  describe("with a slow address before a bad file", () => {
    /** @type {(response: Response) => void} */
    let answer = () => {};
    /** @type {Promise<void>} */
    let opening;

    beforeEach(async () => {
      settings.values["video-url"] = "./slow.webm";
      globalThis.fetch = () => new Promise((resolve) => (answer = resolve));
      player.open("file");
      const drawing = new File(["<svg/>"], "a.svg");
      await new Promise((resolve) => {
        opening = player.openFile(drawing, (name) => name === "file" && resolve(undefined));
      });
    });

    test("the file's problem is shown before the address answers, and both if it does not", async () => {
      assert.match(problem(), /^"a\.svg" is an SVG drawing/);
      assert.deepEqual([player.state, player.name], ["opening", "file"]);
      answer(new Response("no", { status: 404 }));
      await opening;
      assert.match(problem(), /^"a\.svg" is an SVG drawing.*"\.\/slow\.webm" is not there \(404\)/);
      assert.equal(player.state, "stopped");
    });

    test("a source chosen before the address answers keeps its own notice", async () => {
      hideNotice();
      await player.open("synthetic-pulse");
      answer(new Response("no", { status: 404 }));
      await opening;
      assert.deepEqual([player.state, player.name, problem()], ["running", "synthetic-pulse", ""]);
    });
  });

  test("a source chosen while a file is refused is the one that runs", async () => {
    await player.open("synthetic-pan");
    const opening = player.openFile(new File(["<svg/>"], "a.svg"), () => player.open("synthetic-pulse"));
    await opening;
    assert.deepEqual([player.state, player.name, problem()], ["running", "synthetic-pulse", ""]);
  });

  test("a paused source does not pause the one that was chosen while a file was refused", async () => {
    await player.open("synthetic-pan");
    player.pause();
    let names = 0;
    await player.openFile(new File(["<svg/>"], "a.svg"), () => {
      // Once the source that was paused is opened again.
      names += 1;
      if (names === 2) player.open("synthetic-pulse");
    });
    await settled();
    assert.deepEqual([player.state, player.name, problem()], ["running", "synthetic-pulse", ""]);
  });

  test("neither a screen nor a source that waits for a file is gone back to", async () => {
    /** @type {MediaStream} */
    const stream = /** @type {any} */ ({ getTracks: () => [], getVideoTracks: () => [] });
    let asked = 0;
    const getDisplayMedia = async () => {
      asked += 1;
      return stream;
    };
    Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: { getDisplayMedia } });
    Object.assign(fakeElement("video"), {
      play: async () => {},
      pause() {},
      requestVideoFrameCallback: () => 1,
      cancelVideoFrameCallback() {},
    });
    try {
      for (const [name, state] of /** @type {const} */ ([
        ["screen", "running"],
        ["file", "needs-file"],
      ])) {
        await player.open(name);
        assert.equal(player.state, state);
        /** @type {string[]} */
        const named = [];
        await player.openFile(new File(["<svg/>"], "a.svg"), (source) => named.push(source));
        assert.deepEqual([player.state, named], ["stopped", ["image"]], name);
        assert.match(String(problem()), /^"a\.svg" is an SVG drawing/);
      }
    } finally {
      Reflect.deleteProperty(navigator, "mediaDevices");
    }
    assert.equal(asked, 1);
  });

  test("a bad file goes back to what was open last, not to what a file before it went back to", async () => {
    const bad = () => new File(["<svg/>"], "a.svg");
    await player.open("synthetic-pan");
    await player.openFile(bad());
    await player.open("synthetic-pulse");
    await player.openFile(bad());
    assert.deepEqual([player.state, player.name], ["running", "synthetic-pulse"]);
    player.pause();
    await player.openFile(bad());
    assert.deepEqual([player.state, player.name], ["paused", "synthetic-pulse"]);
    await player.openFile(bad(), (name) => name === "image" && player.open("file"));
    assert.deepEqual([player.state, player.name], ["needs-file", "file"]);
    await player.openFile(bad());
    assert.equal(player.state, "stopped", "there is nothing to go back to");
  });

  test("a source chosen while another opens is the only one that runs", async () => {
    settings.values["video-url"] = "./slow.webm";
    /** @type {(response: Response) => void} */
    let answer = () => {};
    globalThis.fetch = () => new Promise((resolve) => (answer = resolve));
    const slow = player.open("file");
    await player.open("synthetic-pan");
    answer(new Response("no", { status: 404 }));
    await slow;
    assert.deepEqual([player.state, player.name, problem()], ["running", "synthetic-pan", ""]);
  });

  test("a frame that fails is reported, and the next one is sent", async () => {
    await player.open("synthetic-pan");
    view.start();
    await settled();
    /** @type {any} */ (view).emit("frame-error", { message: "That frame failed." });
    assert.equal(problem(), "That frame failed.");
    await tick();
    assert.equal(view.sent.length, 2);
    assert.deepEqual(
      [player.title, player.device, player.hasFile, player.replaced],
      ["synthetic-pan", undefined, false, 0],
    );
    assert(player.latency >= 0);
  });

  test("a paused frame is drawn again for other settings, and a stopped source opened again", async () => {
    let redraws = 0;
    view.redraw = () => {
      redraws += 1;
    };
    await player.open("synthetic-pan");
    player.pause();
    player.pause();
    settings.set({ "blend-alpha": 0.5 });
    assert.equal(redraws, 1);
    player.close();
    await player.toggle();
    assert.equal(player.state, "running");
    assert.deepEqual(
      [player.latency, player.needsFile("file"), player.needsFile("camera")],
      [0, true, false],
    );
    settings.set({ "video-url": "./a.webm", "image-url": "./a.png", "camera-facing": "back" });
    assert.deepEqual([player.needsFile("file"), player.needsFile("image")], [false, false]);
  });

  for (const source of ["camera", "screen", "sample"])
    test(`${source}: what it lacks is said in a sentence`, async () => {
      globalThis.fetch = async () => new Response("no", { status: 404 });
      await player.open(source);
      assert.deepEqual([player.state, states.at(1)], ["stopped", source === "sample" ? "opening" : "asking"]);
      assert.match(problem(), /secure page|cannot show a screen|is not there \(404\)/);
    });

  describe("asked for the camera", () => {
    /** @type {{ stopped: boolean }} */
    let track;
    /** @type {(stream: object) => void} */
    let allow;
    /** @type {(error: Error) => void} */
    let deny;

    beforeEach(async () => {
      track = { stopped: false };
      const answer = new Promise((resolve, reject) => {
        allow = resolve;
        deny = reject;
      });
      Object.defineProperty(navigator, "mediaDevices", {
        configurable: true,
        value: { getUserMedia: () => answer },
      });
      await player.open("synthetic-pan");
    });

    afterEach(() => {
      Reflect.deleteProperty(navigator, "mediaDevices");
    });

    const stop = () => {
      track.stopped = true;
    };

    test("the source goes on while the user is asked, and if the camera is denied", async () => {
      const request = player.requestCamera("press Camera", { onAllowed: assert.fail });
      assert.deepEqual([player.state, player.name], ["running", "synthetic-pan"]);
      deny(new DOMException("no", "NotAllowedError"));
      await assert.rejects(request, /address bar and press Camera, or choose another source\.$/);
      assert.deepEqual([player.state, player.name, problem()], ["running", "synthetic-pan", ""]);
    });

    test("chosen in the list, it is asked for while the source goes on", async () => {
      settings.set({ source: "camera" });
      settings.set({ "camera-width": 320 });
      assert.deepEqual([player.state, player.name], ["running", "synthetic-pan"]);
      assert.match(problem(), /allow the camera when the browser asks/);
      deny(new DOMException("no", "NotFoundError"));
      await settled();
      assert.match(problem(), /No camera was found\. Connect one and choose it again/);
      assert.deepEqual([player.state, settings.values.source], ["running", "synthetic-pan"]);
    });

    test("chosen in the list and then no longer, it is let go", async () => {
      settings.set({ source: "camera" });
      settings.set({ source: "synthetic-pan" });
      assert.equal(problem(), "");
      allow({ getTracks: () => [{ stop }] });
      await settled();
      assert.deepEqual([player.name, track.stopped, problem()], ["synthetic-pan", true, ""]);
    });

    test("chosen in the list again after another source, it is asked for again", async () => {
      settings.set({ source: "camera" });
      settings.set({ source: "synthetic-pulse" });
      await settled();
      settings.set({ source: "camera" });
      deny(new DOMException("no", "NotAllowedError"));
      await settled();
      assert.match(problem(), /The camera was not allowed/);
      assert.deepEqual([player.state, settings.values.source], ["running", "synthetic-pulse"]);
    });

    test("a camera that is allowed after another source was chosen is let go", async () => {
      const request = player.requestCamera("press Camera", { onAllowed: assert.fail });
      await player.open("synthetic-pulse");
      allow({ getTracks: () => [{ stop }] });
      await request;
      assert.deepEqual([player.name, track.stopped], ["synthetic-pulse", true]);
    });

    test("a camera that is denied after another source was chosen is nobody's problem", async () => {
      const request = player.requestCamera("press Camera", { onAllowed: assert.fail });
      await player.open("synthetic-pulse");
      deny(new DOMException("no", "NotAllowedError"));
      await request;
      assert.deepEqual([player.name, player.state, problem()], ["synthetic-pulse", "running", ""]);
    });
  });

  test("firstFrame waits for a frame as long as one may come", async () => {
    /** @type {string[]} */
    const order = [];
    settings.values["video-url"] = "";
    await player.open("synthetic-pan");
    const waiting = firstFrame(/** @type {any} */ (view), player).then(() => order.push("first frame"));
    await settled();
    order.push("no frame yet");
    view.finishFrame();
    await waiting;
    assert.deepEqual(order, ["no frame yet", "first frame"]);
    await player.open("file");
    await firstFrame(/** @type {any} */ (view), player); // it needs a file first
  });

  test("with another worker the source goes on where it was", async () => {
    await player.open("synthetic-pan");
    view.start();
    await settled();
    view.restart();
    await tick();
    assert.equal(view.sent.length, 1);
    view.start();
    await settled();
    assert.deepEqual([view.sent.length, view.sent[1].index], [2, 1]);
  });
});
