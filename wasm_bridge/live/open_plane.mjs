/**
 * Opens the graphics card for the pixel work of a live view.
 * @module
 */

import { refusal } from "../plane/frame_shape.mjs";
import { GpuPlane } from "../plane/gpu_plane.mjs";
import { isSoftware, requestAdapter } from "../runner/backend.mjs";
import { requestDevice } from "../runner/gpu_device.mjs";
import { DeviceLoss, unusable } from "./device_loss.mjs";
import { planeCalls } from "./plane_calls.mjs";

/**
 * @typedef {object} OpenPlane
 * @property {GpuPlane} plane
 * @property {GPUDevice} device
 * @property {DeviceLoss} loss of the device
 * @property {any} calls of Python
 * @property {(height: number, width: number) => string} refusal why frames of a size cannot be processed, else ""
 */

/**
 * @returns {Promise<OpenPlane>}
 * @throws {Error} with a sentence for the user
 */
export async function openPlane() {
  const adapter = await requestAdapter();
  if (!adapter) {
    throw new Error("This browser has no WebGPU, so the processor does the pixel work.");
  }
  /** @type {GPUDevice | undefined} */
  let device;
  try {
    device = await requestDevice(adapter, "it does not answer");
    return await openOn(device, { canvases: !isSoftware(adapter) });
  } catch (error) {
    device?.destroy();
    throw new Error(unusable(error));
  }
}

/**
 * @param {GPUDevice} device
 * @param {{ canvases: boolean }} can see `GpuPlane.create`
 * @returns {Promise<OpenPlane>}
 */
async function openOn(device, can) {
  const loss = new DeviceLoss(device.lost);
  const plane = await loss.until(GpuPlane.create(device, can));
  const { limits } = device;
  return {
    plane,
    device,
    loss,
    calls: planeCalls(plane, loss),
    refusal: (height, width) => refusal(limits, height, width),
  };
}
