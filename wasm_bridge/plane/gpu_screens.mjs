/**
 * The page's canvases, drawn by the graphics card itself: the shortest way of a picture from its buffer to the screen.
 * On the way over another canvas, three pictures of 1920x1080 take 37 ms instead of 6 on an H200.
 *
 * Not for software adapters, see `GpuCanvas`.
 * @module
 */

import { drawsSample } from "./canvas_sample.mjs";
import { FORMAT, layoutOf, sizeOf } from "./frame_shape.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */

/** @typedef {{ frame: GPUBuffer, mask: GPUBuffer, output: GPUBuffer }} ShownPictures */

export class GpuScreens {
  #screens;
  /** @type {GPUDevice | undefined} */
  #device;

  /**
   * @param {Record<"input" | "mask" | "output", OffscreenCanvas>} canvases that have no context yet; they have one of WebGPU for good then
   * @throws {Error} if the browser has none for a canvas
   */
  constructor({ input, mask, output }) {
    const screen = (/** @type {OffscreenCanvas} */ canvas) => {
      const context = canvas.getContext("webgpu");
      if (!context) throw new Error("this browser cannot draw with WebGPU in a worker");
      return { canvas, context };
    };
    this.#screens = { frame: screen(input), mask: screen(mask), output: screen(output) };
  }

  /**
   * Whether the browser is trusted to show such canvases. No browser tells whether it does. One that composes the page
   * in software shows nothing, and draws nothing of a canvas of WebGPU on another either, both without an error; so in
   * Chromium 156 without a screen on an H200.
   * @param {GPUDevice} device
   */
  static work(device) {
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext("webgpu");
    if (!context) return false;
    try {
      return drawsSample(device, (target, buffer, shape) => {
        Object.assign(canvas, { width: shape.width, height: shape.height });
        context.configure({ device, format: FORMAT, usage: usage(), alphaMode: "premultiplied" });
        const encoder = device.createCommandEncoder();
        const texture = context.getCurrentTexture();
        encoder.copyBufferToTexture(layoutOf(buffer, shape), { texture }, sizeOf(shape));
        device.queue.submit([encoder.finish()]);
        target.globalCompositeOperation = "copy";
        target.drawImage(canvas, 0, 0);
      });
    } finally {
      context.unconfigure();
    }
  }

  /**
   * Shows pictures of a device as they are when this is called.
   * @param {GPUDevice} device
   * @param {ShownPictures} pictures
   * @param {FrameShape} shape
   */
  show(device, pictures, shape) {
    const { width, height } = shape;
    const encoder = device.createCommandEncoder();
    for (const [name, { canvas, context }] of Object.entries(this.#screens)) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
      if (device !== this.#device) {
        context.configure({ device, format: FORMAT, usage: usage(), alphaMode: "premultiplied" });
      }
      const picture = pictures[/** @type {keyof ShownPictures} */ (name)];
      const texture = context.getCurrentTexture();
      encoder.copyBufferToTexture(layoutOf(picture, shape), { texture }, sizeOf(shape));
    }
    this.#device = device;
    device.queue.submit([encoder.finish()]);
  }

  /** Frees what they show. */
  close() {
    for (const { context } of Object.values(this.#screens)) context.unconfigure();
  }
}

/** Of the canvases' textures. */
function usage() {
  return GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT;
}
