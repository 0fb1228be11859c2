/**
 * Devices that a model and the pixels of its frames share in a worker: buffers of one device cannot be used on another.
 *
 * Each has one model at most. ONNX Runtime has a context for each device and records into it while it captures a graph;
 * a second model's runs would be recorded, too.
 * @module
 */

import { withTimeLimit } from "../calls/time_limit.mjs";
import { DEVICE_TIMEOUT_MS, deviceOf } from "./gpu_device.mjs";

/**
 * @typedef {object} DeviceShare
 * @property {GPUDevice} device
 * @property {() => void} giveBack the last one to do so destroys it; later calls of the same share do nothing
 *
 * @typedef {object} Entry
 * @property {Promise<GPUDevice>} requested
 * @property {GPUDevice} [device] once it is there
 * @property {number} users
 * @property {boolean} hasModel whether one of them is a model
 */

/** Those that are in use and not lost. @type {Set<Entry>} */
const entries = new Set();

/**
 * A device for a model: one on which there are pixels and no model, or a new one.
 * @param {GPUAdapter} adapter of a new one
 * @param {string} silent what the error says if the GPU does not answer
 * @returns {Promise<DeviceShare>}
 * @throws {Error} if the GPU does not answer or refuses
 */
export function shareForModel(adapter, silent) {
  const entry = [...entries].find(({ hasModel }) => !hasModel) ?? request(adapter);
  entry.hasModel = true;
  return join(entry, silent, () => {
    entry.hasModel = false;
  });
}

/**
 * A device for pixels.
 * @param {GPUAdapter} adapter of a new one
 * @param {string} silent what the error says if the GPU does not answer
 * @param {GPUDevice} [model] that of the model in use, which is shared unless it is lost
 * @returns {Promise<DeviceShare>}
 * @throws {Error} if the GPU does not answer or refuses
 */
export function shareForPixels(adapter, silent, model) {
  const entry = model && [...entries].find(({ device }) => device === model);
  return join(entry ?? request(adapter), silent, () => {});
}

/**
 * @param {Entry} entry
 * @param {string} silent
 * @param {() => void} onReturn
 * @returns {Promise<DeviceShare>}
 */
async function join(entry, silent, onReturn) {
  entry.users += 1;
  let mine = true;
  const giveBack = () => {
    if (!mine) return;
    mine = false;
    onReturn();
    entry.users -= 1;
    if (entry.users === 0) end(entry);
  };
  try {
    return { device: await withTimeLimit(entry.requested, DEVICE_TIMEOUT_MS, silent), giveBack };
  } catch (error) {
    giveBack();
    throw error;
  }
}

/**
 * @param {GPUAdapter} adapter
 * @returns {Entry}
 */
function request(adapter) {
  /** @type {Entry} */
  const entry = { requested: deviceOf(adapter), users: 0, hasModel: false };
  entries.add(entry);
  const forget = () => entries.delete(entry);
  entry.requested.then((device) => {
    entry.device = device;
    device.lost.then(forget);
  }, forget);
  return entry;
}

/** @param {Entry} entry */
function end(entry) {
  entries.delete(entry);
  // One that answers too late is destroyed as well.
  entry.requested.then(
    (device) => device.destroy(),
    () => {},
  );
}
