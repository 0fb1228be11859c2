/**
 * Opens the graphics card for the pixel work of a live view.
 * @module
 */

import { refusal } from "../plane/frame_shape.mjs";
import { GpuPlane } from "../plane/gpu_plane.mjs";
import { isSoftware, requestAdapter } from "../runner/backend.mjs";
import { requestDevice } from "../runner/gpu_device.mjs";
import { planeCalls } from "./plane_calls.mjs";

/**
 * @typedef {object} OpenPlane
 * @property {GpuPlane} plane
 * @property {GPUDevice} device
 * @property {Promise<never>} lost rejects when the device is lost
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
  const device = await requestDevice(adapter);
  /** @type {Promise<never>} */
  const lost = device.lost.then(({ message }) => {
    throw new Error(`The GPU was lost: ${message}`);
  });
  lost.catch(() => {}); // told by whatever waits for the GPU
  const plane = await Promise.race([GpuPlane.create(device, { canvases: !isSoftware(adapter) }), lost]);
  const { limits } = device;
  return {
    plane,
    device,
    lost,
    calls: planeCalls(plane, lost),
    refusal: (height, width) => refusal(limits, height, width),
  };
}
