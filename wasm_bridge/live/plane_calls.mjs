/**
 * What Python asks of the plane on the GPU: the `PlaneBridge` of `py/autogaze_web/page/gpu_plane.py`.
 * @module
 */

import { unpacked, withArgumentMemory } from "../python/python_memory.mjs";

/** @import { GpuPlane } from "../plane/gpu_plane.mjs" */
/** @import { DeviceLoss } from "./device_loss.mjs" */

/**
 * @param {GpuPlane} plane
 * @param {DeviceLoss} loss of the plane's device
 */
export function planeCalls(plane, loss) {
  return {
    execute: (/** @type {string} */ header, /** @type {any} */ packed) => {
      const { feeds, ...request } = JSON.parse(header);
      return loss.until(answer(plane, request, unpacked(feeds, packed)));
    },
    receive: (/** @type {any} */ rows, /** @type {number} */ height, /** @type {number} */ width) =>
      loss.until(plane.receive(copyOf(rows), height, width)),
    write: (/** @type {"mask" | "output"} */ which, /** @type {any} */ rows) =>
      plane.write(which, copyOf(rows)),
    /** For a model on the same device: `keep_frame` of `loaded_model.mjs`. */
    frame: () => plane.frameOnGpu,
  };
}

/**
 * @param {GpuPlane} plane
 * @param {any} request what `pack_request` packed
 * @param {any} arrays
 * @returns {Promise<Float64Array | Uint32Array | Uint8ClampedArray>}
 */
function answer(plane, request, arrays) {
  switch (request.kind) {
    case "cellSums":
      return plane.cellSums(arrays);
    case "readBack":
      return plane.readBack(request.which, request.box);
    default:
      return plane.draw(drawingOf(request, arrays));
  }
}

/**
 * @param {any} request
 * @param {Record<string, any>} arrays those of a keyframe's output, or of the mask, may be missing
 */
function drawingOf({ errors, output, weight }, arrays) {
  const { paints } = arrays;
  return {
    errors,
    output: arrays.outputAtoms ? { ...output, lattice: latticeOf("output", arrays) } : output,
    mask: paints ? { lattice: latticeOf("mask", arrays), paints: unsigned(paints), weight } : null,
  };
}

/**
 * @param {"mask" | "output"} name
 * @param {Record<string, any>} arrays
 */
function latticeOf(name, arrays) {
  return { rows: arrays[`${name}Rows`], columns: arrays[`${name}Columns`], atoms: arrays[`${name}Atoms`] };
}

/** @param {Int32Array<ArrayBuffer>} numbers */
function unsigned({ buffer, byteOffset, length }) {
  return new Uint32Array(buffer, byteOffset, length);
}

/**
 * Python's memory may move once it has the thread again.
 * @param {any} rows a NumPy array, as a Pyodide proxy
 */
function copyOf(rows) {
  return withArgumentMemory(rows, (memory) => memory.slice());
}
