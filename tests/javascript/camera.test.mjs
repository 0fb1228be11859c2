import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

Object.assign(globalThis, { HTMLMediaElement: { HAVE_CURRENT_DATA: 2 } });
const { isMirrored, listCameras, openCamera, requestCamera } = await import("../../web/sources/camera.mjs");

/** A camera's picture. */
class FakeTrack extends EventTarget {
  muted = false;
  stopped = false;

  /** @param {string} id */
  constructor(id) {
    super();
    this.id = id;
    this.label = `Camera ${id}`;
  }

  getSettings() {
    return { deviceId: this.id };
  }

  stop() {
    this.stopped = true;
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.dispatchEvent(new Event(muted ? "mute" : "unmute"));
  }
}

/** A <video> whose pictures come when the test says so. */
class FakeVideo extends EventTarget {
  videoWidth = 8;
  videoHeight = 6;
  readyState = 2;
  srcObject = null;
  muted = false;
  /** @type {(now: number, picture: { mediaTime: number }) => void} */
  callback = () => {};

  async play() {}

  pause() {}

  /** @param {FakeVideo["callback"]} callback */
  requestVideoFrameCallback(callback) {
    this.callback = callback;
    return 1;
  }

  cancelVideoFrameCallback() {
    this.callback = () => {};
  }
}

describe("a camera", () => {
  /** @type {FakeTrack[]} */
  let tracks;
  /** Ids of the cameras that are plugged in. @type {string[]} */
  let devices;
  /** @type {any[]} */
  let asked;
  /** @type {Record<string, any[]>} */
  let heard;
  /** @type {any} */
  let setup;
  /** @type {FakeVideo} */
  let video;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    [tracks, asked, devices] = [[], [], ["1", "2"]];
    const mediaDevices = {
      getUserMedia: async (/** @type {any} */ wanted) => {
        asked.push(wanted.video);
        const id = wanted.video.deviceId?.exact ?? devices[0];
        if (!devices.includes(id)) throw new DOMException("gone", "OverconstrainedError");
        const track = new FakeTrack(id);
        tracks.push(track);
        return { getVideoTracks: () => [track], getTracks: () => [track] };
      },
      enumerateDevices: async () =>
        devices.map((deviceId) => ({ kind: "videoinput", deviceId, label: `Camera ${deviceId}` })),
    };
    Object.assign(navigator, { mediaDevices });
    Object.assign(globalThis, { createImageBitmap: async () => "picture" });
    heard = { onPicture: [], onRefused: [], onEnd: [], onNote: [], onNoteOver: [], onReplaced: [] };
    const events = Object.fromEntries(
      Object.entries(heard).map(([name, calls]) => [
        name,
        (/** @type {any[]} */ ...said) => calls.push(said),
      ]),
    );
    video = new FakeVideo();
    const size = (/** @type {number} */ width, /** @type {number} */ height) => ({ width, height });
    const { signal } = new AbortController();
    const values = { "camera-mirror": true, "camera-facing": "back" };
    setup = { video, size, width: () => undefined, events, signal, values };
  });
  afterEach(() => {
    mock.timers.reset();
    Object.assign(navigator, { mediaDevices: undefined });
    Object.assign(globalThis, { createImageBitmap: undefined });
  });

  test("is let go in a pause, and taken again afterwards", async () => {
    const camera = await openCamera(setup);
    assert.deepEqual(asked[0].facingMode, { ideal: "environment" });
    assert.equal(camera.device, "1");
    video.callback(0, { mediaTime: 0 });
    assert.equal(heard.onPicture?.length, 2, "the picture that is there, and a new one");
    assert.deepEqual(await camera.capture(), { image: "picture", width: 8, height: 6, mirror: true });
    assert.deepEqual(
      ["auto", true, false].map((mirror) =>
        [true, false].map((front) => isMirrored({ "camera-mirror": mirror }, front)),
      ),
      [
        [true, false],
        [true, true],
        [false, false],
      ],
    );
    camera.pause();
    assert.deepEqual([tracks[0]?.stopped, video.srcObject, await camera.capture()], [true, null, null]);
    await camera.resume();
    assert.deepEqual([tracks.length, asked[1].deviceId], [2, { exact: "1" }]);
    video.videoWidth = 0;
    assert.equal(await camera.capture(), null);
    camera.close();
    assert(tracks.every(({ stopped }) => stopped));
  });

  test("that is muted is noticed within two seconds, if it stays so", async () => {
    const camera = await openCamera(setup);
    tracks[0]?.mute(true);
    mock.timers.tick(500);
    tracks[0]?.mute(false);
    mock.timers.tick(2000);
    assert.deepEqual(heard.onNote, []);
    tracks[0]?.mute(true);
    mock.timers.tick(1999);
    assert.match(String(heard.onNote?.[0]?.[0]), /^No picture comes at present/);
    tracks[0]?.mute(false);
    assert.deepEqual(heard.onNoteOver?.at(-1), heard.onNote?.[0]);
    camera.close();
  });

  test("that is unplugged is replaced by another one, if there is one", async () => {
    const camera = await openCamera(setup, "1");
    tracks[0]?.dispatchEvent(new Event("ended"));
    await settled();
    const sentence = "Camera 1 was unplugged or taken away: Camera 2 is used now.";
    assert.deepEqual(heard.onReplaced, [["2", sentence]]);
    devices = ["1"];
    tracks[0]?.dispatchEvent(new Event("ended"));
    await settled();
    assert.match(
      heard.onEnd?.[0]?.[0],
      /^The camera was unplugged or taken away\. Connect it and press Start/,
    );
    camera.close();
  });

  test("that is gone when it is taken again is replaced, too", async () => {
    const camera = await openCamera(setup, "1");
    camera.pause();
    devices = ["2"];
    await camera.resume();
    assert.deepEqual(heard.onNote, [["The chosen camera is gone: Camera 2 is used now."]]);
    assert.equal(camera.device, "2");
    camera.pause();
    devices = [];
    await camera.resume();
    assert.match(heard.onEnd?.[0]?.[0], /^That camera is gone\. Choose another one/);
  });

  for (const [name, sentence] of [
    ["NotAllowedError", /^Error: The camera was not allowed\. Allow it/],
    ["NotFoundError", /^Error: No camera was found\. Connect one/],
    ["NotReadableError", /^Error: The camera is in use by another program/],
    ["AbortError", /^Error: The camera could not be opened \(why\)/],
  ])
    test(`that is refused (${name}) has its sentence`, async () => {
      navigator.mediaDevices.getUserMedia = () =>
        Promise.reject(new DOMException("why", /** @type {string} */ (name)));
      await assert.rejects(openCamera(setup), /** @type {RegExp} */ (sentence));
    });

  test("without a name has a number, and a size where the options ask for one", async () => {
    setup.values = {
      "camera-width": 320,
      "camera-height": 240,
      "camera-facing": "any",
      "inference-width": 64,
    };
    const unnamed = [{ kind: "videoinput", deviceId: "", label: "" }];
    navigator.mediaDevices.enumerateDevices = async () => /** @type {any} */ (unnamed);
    const camera = await openCamera(setup);
    assert.deepEqual(asked[0], { frameRate: { ideal: 60 }, width: { ideal: 320 }, height: { ideal: 240 } });
    assert.equal(/** @type {any} */ (await camera.capture()).mirror, undefined);
    camera.close();
    assert.deepEqual(await listCameras(), [{ id: "", label: "Camera 1" }]);
  });

  test("is asked for the pictures that the page wants, and for other ones when it wants those", async () => {
    let width = 640;
    setup.width = () => width;
    setup.values["inference-width"] = "auto";
    const camera = await openCamera(setup, "1");
    assert.deepEqual([asked[0].width, asked[0].frameRate], [{ ideal: 640 }, { ideal: 60 }]);
    /** @type {any[]} */
    const applied = [];
    Object.assign(/** @type {any} */ (tracks[0]), {
      async applyConstraints(/** @type {any} */ wanted) {
        applied.push(wanted);
        throw new DOMException("this camera cannot", "OverconstrainedError");
      },
    });
    camera.adapt?.();
    assert.deepEqual(applied, [], "it was asked for just that");
    width = 1920;
    camera.adapt?.();
    camera.adapt?.();
    await settled();
    assert.deepEqual(applied, [
      { frameRate: { ideal: 30 }, width: { ideal: 1920 }, deviceId: { exact: "1" } },
    ]);
    assert.deepEqual(heard.onEnd, [], "it goes on with the width that it has");
    width = 640;
    camera.adapt?.();
    assert.deepEqual(applied.at(-1), { ...asked[0], deviceId: { exact: "1" } });
    camera.close();
    width = 1280;
    camera.adapt?.();
    assert.equal(applied.length, 2, "a camera that was let go is asked for nothing");
  });

  test("that is allowed after the page has come to want other pictures is asked for those", async () => {
    let width = 640;
    setup.width = () => width;
    const stream = await requestCamera(setup, "1");
    const applied = mock.fn(async () => {});
    Object.assign(/** @type {any} */ (tracks[0]), { applyConstraints: applied });
    width = 1280;
    const camera = await openCamera(setup, "1", stream);
    assert.deepEqual(applied.mock.calls[0]?.arguments, [
      { frameRate: { ideal: 30 }, width: { ideal: 1280 }, deviceId: { exact: "1" } },
    ]);
    camera.close();
  });

  test("that arrives after a newer request, or for a page that wants another source, is let go", async () => {
    const camera = await openCamera(setup);
    camera.pause();
    const resuming = camera.resume();
    camera.pause();
    await resuming;
    assert(tracks.every(({ stopped }) => stopped));
    const gone = new AbortController();
    gone.abort();
    await assert.rejects(openCamera({ ...setup, signal: gone.signal }), /Another source was chosen/);
    assert(tracks.at(-1)?.stopped);
    // Its end does not matter any more.
    tracks[0]?.dispatchEvent(new Event("ended"));
    await settled();
    assert.deepEqual([heard.onEnd, heard.onReplaced], [[], []]);
  });

  test("needs a secure page, and a browser that starts the video", async () => {
    video.play = () => Promise.reject(new DOMException("no", "NotAllowedError"));
    await openCamera(setup);
    await settled();
    assert.match(heard.onRefused?.[0]?.[0], /press Start/);
    video.play = () => Promise.reject(new DOMException("another source", "AbortError"));
    await openCamera(setup);
    await settled();
    assert.equal(heard.onRefused?.length, 1);
    Object.assign(navigator, { mediaDevices: undefined });
    await assert.rejects(openCamera(setup), /needs a secure page/);
  });
});
