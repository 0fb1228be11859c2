/**
 * Opens the graphics card for the pixel work of a live view.
 * @module
 */

import { refusal } from "../plane/frame_shape.mjs";
import { GpuPlane } from "../plane/gpu_plane.mjs";
import { isSoftware, requestAdapter } from "../runner/backend.mjs";
import { shareForPixels } from "../runner/shared_device.mjs";
import { DeviceLoss, unusable } from "./device_loss.mjs";
import { planeCalls } from "./plane_calls.mjs";

/** @import { DeviceShare } from "../runner/shared_device.mjs" */

/**
 * @typedef {object} OpenPlane
 * @property {GpuPlane} plane
 * @property {GPUDevice} device that a model may share
 * @property {() => void} giveBack gives back the device
 * @property {DeviceLoss} loss of the device
 * @property {any} calls of Python
 * @property {(height: number, width: number) => string} refusal why frames of a size cannot be processed, else ""
 */

/**
 * @param {GPUDevice} [model] that of the model in use, for the pixels to share
 * @returns {Promise<OpenPlane>}
 * @throws {Error} with a sentence for the user
 */
export async function openPlane(model) {
  const adapter = await requestAdapter();
  if (!adapter) {
    throw new Error("This browser has no WebGPU, so the processor does the pixel work.");
  }
  /** @type {DeviceShare | undefined} */
  let share;
  try {
    share = await shareForPixels(adapter, "it does not answer", model);
    return await openOn(share, { canvases: !isSoftware(adapter) });
  } catch (error) {
    share?.giveBack();
    throw new Error(unusable(error));
  }
}

/**
 * @param {DeviceShare} share
 * @param {{ canvases: boolean }} can see `GpuPlane.create`
 * @returns {Promise<OpenPlane>}
 */
async function openOn({ device, giveBack }, can) {
  const loss = new DeviceLoss(device.lost);
  const plane = await loss.until(GpuPlane.create(device, can));
  const { limits } = device;
  return {
    plane,
    device,
    giveBack,
    loss,
    calls: planeCalls(plane, loss),
    refusal: (height, width) => refusal(limits, height, width),
  };
}
