import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { fakeElement } from "./fake_page.mjs";
import { newPlayer, problem } from "./player_fixtures.mjs";

/** @import { PlayerPage } from "./player_fixtures.mjs" */

const { hideNotice } = await import("../../web/page/notice.mjs");

describe("SourcePlayer with a file that is refused", () => {
  /** @type {PlayerPage["settings"]} */
  let settings;
  /** @type {PlayerPage["player"]} */
  let player;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setInterval"] });
    ({ settings, player } = newPlayer());
  });
  afterEach(() => {
    player.close();
    mock.timers.reset();
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
});
