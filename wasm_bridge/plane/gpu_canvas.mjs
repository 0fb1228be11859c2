/**
 * A canvas through which pictures go from buffers of the GPU to other canvases without leaving the GPU.
 *
 * Not for software adapters: the first texture of such a canvas ends the GPU process of Chromium 156 there.
 * @module
 */

import { FORMAT, layoutOf, sizeOf } from "./frame_shape.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */

export class GpuCanvas {
  #device;
  #canvas = new OffscreenCanvas(1, 1);
  #context;

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
   * @param {GPUBuffer} picture
   * @param {FrameShape} shape
   */
  draw(target, picture, shape) {
    const { width, height } = shape;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const encoder = this.#device.createCommandEncoder();
    const texture = this.#context.getCurrentTexture();
    encoder.copyBufferToTexture(layoutOf(picture, shape), { texture }, sizeOf(shape));
    this.#device.queue.submit([encoder.finish()]);
    target.save();
    target.globalCompositeOperation = "copy";
    target.drawImage(this.#canvas, 0, 0);
    target.restore();
  }

  close() {
    this.#context.unconfigure();
  }
}
