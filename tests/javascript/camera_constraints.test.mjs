import assert from "node:assert/strict";
import { test } from "node:test";

const { cameraConstraints } = await import("../../web/sources/camera_constraints.mjs");

/**
 * Width, height and rate that a camera is asked for.
 * @param {Record<string, string | number>} values of the options
 * @param {number} [automatic] width in pixels that the page wants
 */
function asked(values, automatic) {
  const wanted = /** @type {any} */ (cameraConstraints({ values, width: () => automatic }));
  return [wanted.width?.ideal, wanted.height?.ideal, wanted.frameRate?.ideal];
}

test("a camera is asked for 60 small pictures a second, and for 30 large ones", () => {
  assert.deepEqual(asked({}, 640), [640, undefined, 60]);
  assert.deepEqual(asked({}, 1280), [1280, undefined, 30]);
  assert.deepEqual(asked({ "inference-width": 1920 }), [1920, undefined, 30]);
  assert.deepEqual(asked({ "inference-height": 1080 }), [undefined, 1080, 30]);
  assert.deepEqual(asked({ "inference-width": "native" }), [undefined, undefined, 60]);
});

test("what an option says of the camera comes before what the frames need", () => {
  const frames = { "inference-width": 640, "inference-height": 360 };
  assert.deepEqual(asked(frames), [640, 360, 60]);
  assert.deepEqual(asked({ ...frames, "camera-width": 1920 }), [1920, undefined, 30]);
  assert.deepEqual(asked({ "camera-height": 720 }, 640), [undefined, 720, 30]);
  assert.deepEqual(asked({ "camera-frame-rate": 60 }, 1920), [1920, undefined, 60]);
  assert.deepEqual(asked({ "camera-frame-rate": 24 }, 640), [640, undefined, 24]);
  assert.deepEqual(asked({ "camera-frame-rate": "auto" }, 640), [640, undefined, 60]);
});

test("only the camera that was chosen has to be that one; the rest are wishes", () => {
  const setup = { values: { "camera-facing": "back" }, width: () => undefined };
  assert.deepEqual(cameraConstraints(setup), {
    frameRate: { ideal: 60 },
    facingMode: { ideal: "environment" },
  });
  assert.deepEqual(cameraConstraints(setup, "7"), { frameRate: { ideal: 60 }, deviceId: { exact: "7" } });
});
