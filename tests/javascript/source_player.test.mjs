import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { newPlayer, problem } from "./player_fixtures.mjs";

/** @import { PlayerPage } from "./player_fixtures.mjs" */

const { firstFrame } = await import("../../web/sources/first_frame.mjs");

describe("SourcePlayer", () => {
  /** @type {PlayerPage["view"]} */
  let view;
  /** @type {PlayerPage["settings"]} */
  let settings;
  /** @type {PlayerPage["player"]} */
  let player;
  /** @type {string[]} */
  let states;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setInterval"] });
    ({ view, settings, player, states } = newPlayer());
  });
  afterEach(() => {
    player.close();
    mock.timers.reset();
  });

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
    view.failFrame("That frame failed.");
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
