/**
 * A device with all that ONNX Runtime can use of an adapter.
 * @module
 */

import { withTimeLimit } from "../calls/time_limit.mjs";

/** A driver that hangs is as good as none. */
export const DEVICE_TIMEOUT_MS = 60_000;

/** What an error says to who loads a model if the GPU does not answer. */
export const SILENT = "The GPU does not answer: use backend=wasm, or restart the browser.";

/**
 * @param {GPUAdapter} adapter
 * @returns {Promise<GPUDevice>}
 * @throws {Error} if the GPU does not answer
 */
export function requestDevice(adapter) {
  return withTimeLimit(deviceOf(adapter), DEVICE_TIMEOUT_MS, SILENT);
}

/**
 * The same, however long it takes.
 * @param {GPUAdapter} adapter
 * @returns {Promise<GPUDevice>}
 */
export function deviceOf(adapter) {
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  return adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    requiredFeatures: /** @type {GPUFeatureName[]} */ (
      ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature))
    ),
  });
}
