/**
 * Known pixels, to see whether a way from the graphics card to a canvas draws what it was given. Chromium 156 draws
 * transparent pixels without an error in some of the ways in which a canvas of WebGPU can be drawn on another.
 * @module
 */

import { BYTES, frameShape } from "./frame_shape.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */

/** Two rows of two pixels, one of them transparent, as the mask panel has them. */
export const SAMPLE = Uint8ClampedArray.of(255, 0, 0, 255, 0, 0, 0, 0, 3, 200, 71, 255, 1, 2, 254, 255);

/**
 * Whether known pixels, drawn in place of others, are what another canvas shows.
 * @param {GPUDevice} device
 * @param {(target: OffscreenCanvasRenderingContext2D, buffer: GPUBuffer, shape: FrameShape) => void} draw
 */
export function drawsSample(device, draw) {
  const shape = frameShape(2, 2);
  const rows = new Uint8Array(shape.bytes);
  const rowBytes = BYTES * shape.width;
  for (let row = 0; row < shape.height; row++) {
    rows.set(SAMPLE.subarray(row * rowBytes, (row + 1) * rowBytes), BYTES * shape.stride * row);
  }
  const target = new OffscreenCanvas(shape.width, shape.height).getContext("2d");
  if (!target) return false;
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: shape.bytes, usage });
  try {
    device.queue.writeBuffer(buffer, 0, rows);
    target.fillRect(0, 0, shape.width, shape.height);
    draw(target, buffer, shape);
    const { data } = target.getImageData(0, 0, shape.width, shape.height);
    return SAMPLE.every((value, i) => data[i] === value);
  } finally {
    buffer.destroy();
  }
}
