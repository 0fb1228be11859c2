/**
 * A device with all that ONNX Runtime can use of an adapter.
 * @module
 */

import { withTimeLimit } from "../calls/time_limit.mjs";

const GPU_TIMEOUT_MS = 60_000;

/**
 * @param {GPUAdapter} adapter
 * @returns {Promise<GPUDevice>}
 * @throws {Error} with a sentence for the user if the GPU does not answer
 */
export function requestDevice(adapter) {
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  const requested = adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    requiredFeatures: /** @type {GPUFeatureName[]} */ (
      ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature))
    ),
  });
  const silent = "The GPU does not answer: use backend=wasm, or restart the browser.";
  return withTimeLimit(requested, GPU_TIMEOUT_MS, silent);
}
