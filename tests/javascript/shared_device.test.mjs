import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { shareForModel, shareForPixels } from "../../wasm_bridge/runner/shared_device.mjs";

const SILENT = "The GPU does not answer.";

/** An adapter, the devices that it gave, and whether they were destroyed. */
function adapterOf(answer = async (/** @type {any} */ device) => device) {
  /** @type {any[]} */
  const devices = [];
  const requestDevice = () => {
    const device = { destroyed: 0, lose: () => {}, lost: Promise.resolve(), destroy: () => {} };
    device.lost = new Promise((resolve) => {
      device.lose = () => resolve(undefined);
    });
    device.destroy = () => {
      device.destroyed += 1;
      device.lose();
    };
    devices.push(device);
    return answer(device);
  };
  const adapter = /** @type {any} */ ({ limits: {}, features: new Set(), requestDevice });
  return { adapter, devices };
}

/** What is to happen has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a model takes the device of the pixels, and the last one to give it back destroys it", async () => {
  const { adapter, devices } = adapterOf();
  const pixels = await shareForPixels(adapter, SILENT);
  const model = await shareForModel(adapter, SILENT);
  assert.equal(model.device, pixels.device);
  model.giveBack();
  model.giveBack();
  await settled();
  assert.equal(devices[0].destroyed, 0, "giving back twice counts once");
  const next = await shareForModel(adapter, SILENT);
  assert.equal(next.device, pixels.device, "the next model has it");
  pixels.giveBack();
  await settled();
  assert.equal(devices[0].destroyed, 0);
  next.giveBack();
  await settled();
  assert.deepEqual([devices.length, devices[0].destroyed], [1, 1]);
});

test("two models, of which one is about to replace the other, have a device each", async () => {
  const { adapter, devices } = adapterOf();
  const before = await shareForModel(adapter, SILENT);
  const pixels = await shareForPixels(adapter, SILENT, before.device);
  assert.equal(pixels.device, before.device);
  const after = await shareForModel(adapter, SILENT);
  assert.notEqual(after.device, before.device);
  before.giveBack();
  const followed = await shareForPixels(adapter, SILENT, after.device);
  assert.equal(followed.device, after.device);
  for (const share of [pixels, after, followed]) share.giveBack();
  await settled();
  assert.deepEqual(
    devices.map(({ destroyed }) => destroyed),
    [1, 1],
  );
});

test("pixels have a device of their own where the model's is none, or lost", async () => {
  const { adapter, devices } = adapterOf();
  const alone = await shareForPixels(adapter, SILENT);
  alone.giveBack();
  const model = await shareForModel(adapter, SILENT);
  devices[1].lose();
  await settled();
  const pixels = await shareForPixels(adapter, SILENT, model.device);
  const again = await shareForModel(adapter, SILENT);
  assert.deepEqual([pixels.device, again.device], [devices[2], devices[2]]);
  for (const share of [model, pixels, again]) share.giveBack();
  await settled();
});

test("a device that is refused, or comes too late, is nobody's", async () => {
  const refused = adapterOf(async () => {
    throw new Error("no device");
  });
  await assert.rejects(shareForModel(refused.adapter, SILENT), { message: "no device" });
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    /** @type {(device: any) => void} */
    let answer = () => {};
    const late = adapterOf(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const asked = shareForPixels(late.adapter, SILENT);
    mock.timers.tick(60_000);
    await assert.rejects(asked, { message: SILENT });
    answer(late.devices[0]);
  } finally {
    mock.timers.reset();
  }
  const { adapter, devices } = adapterOf();
  const share = await shareForModel(adapter, SILENT);
  assert.equal(share.device, devices[0], "not the refused one, nor the late one");
  share.giveBack();
});
