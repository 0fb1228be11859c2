/**
 * A device with all that ONNX Runtime can use of an adapter.
 * @module
 */

import { withTimeLimit } from "../calls/time_limit.mjs";

const GPU_TIMEOUT_MS = 60_000;
const SILENT = "The GPU does not answer: use backend=wasm, or restart the browser.";

/**
 * @param {GPUAdapter} adapter
 * @param {string} [silent] what the error says if the GPU does not answer; by default a sentence for who loads a model
 * @returns {Promise<GPUDevice>}
 * @throws {Error} if the GPU does not answer
 */
export function requestDevice(adapter, silent = SILENT) {
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  const requested = adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    requiredFeatures: /** @type {GPUFeatureName[]} */ (
      ["shader-f16", "subgroups"].filter((feature) => adapter.features.has(feature))
    ),
  });
  return withTimeLimit(requested, GPU_TIMEOUT_MS, silent);
}
