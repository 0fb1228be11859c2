/**
 * A canvas through which pictures go from buffers of the GPU to other canvases without leaving the GPU.
 *
 * Not for software adapters: the first texture of such a canvas ends the GPU process of Chromium 156 there.
 * @module
 */

import { drawsSample } from "./canvas_sample.mjs";
import { FORMAT, layoutOf, sizeOf } from "./frame_shape.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */

export class GpuCanvas {
  #device;
  #canvas = new OffscreenCanvas(1, 1);
  #context;

  /**
   * A canvas that is known to draw.
   * @param {GPUDevice} device
   * @returns {GpuCanvas | undefined} undefined if it draws other pixels than it was given
   */
  static open(device) {
    const canvas = new GpuCanvas(device);
    let draws = false;
    try {
      draws = drawsSample(device, (...picture) => canvas.draw(...picture));
    } finally {
      if (!draws) canvas.close();
    }
    return draws ? canvas : undefined;
  }

  /** @param {GPUDevice} device */
  constructor(device) {
    this.#device = device;
    const context = this.#canvas.getContext("webgpu");
    if (!context) throw new Error("this browser cannot draw with WebGPU in a worker");
    const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT;
    context.configure({ device, format: FORMAT, usage, alphaMode: "premultiplied" });
    this.#context = context;
  }

  /**
   * Draws a picture in place of all that another canvas of its size has shown.
   * @param {OffscreenCanvasRenderingContext2D} target
   * @param {GPUBuffer} buffer of the picture
   * @param {FrameShape} shape
   */
  draw(target, buffer, shape) {
    const { width, height } = shape;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const encoder = this.#device.createCommandEncoder();
    const texture = this.#context.getCurrentTexture();
    encoder.copyBufferToTexture(layoutOf(buffer, shape), { texture }, sizeOf(shape));
    this.#device.queue.submit([encoder.finish()]);
    // Drawn itself, the canvas was transparent on an H200 with Chromium 156.
    const picture = this.#canvas.transferToImageBitmap();
    target.save();
    target.globalCompositeOperation = "copy";
    target.drawImage(picture, 0, 0);
    target.restore();
    picture.close();
  }

  close() {
    this.#context.unconfigure();
  }
}
