import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { newPlayer, problem } from "./player_fixtures.mjs";

/** @import { PlayerPage } from "./player_fixtures.mjs" */

describe("SourcePlayer asked for the camera", () => {
  /** @type {PlayerPage["settings"]} */
  let settings;
  /** @type {PlayerPage["player"]} */
  let player;

  /** @type {{ stopped: boolean }} */
  let track;
  /** @type {(stream: object) => void} */
  let allow;
  /** @type {(error: Error) => void} */
  let deny;

  beforeEach(async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    ({ settings, player } = newPlayer());
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
    player.close();
    mock.timers.reset();
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
