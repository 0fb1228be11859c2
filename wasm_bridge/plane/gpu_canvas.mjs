/**
 * A canvas through which pictures go from buffers of the GPU to other canvases without leaving the GPU.
 *
 * Not for software adapters: the first texture of such a canvas ends the GPU process of Chromium 156 there.
 * @module
 */

import { BYTES, FORMAT, frameShape, layoutOf, sizeOf } from "./frame_shape.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */

/** Two rows of two pixels, one of them transparent, as the mask panel has them. */
export const SAMPLE = Uint8ClampedArray.of(255, 0, 0, 255, 0, 0, 0, 0, 3, 200, 71, 255, 1, 2, 254, 255);

export class GpuCanvas {
  #device;
  #canvas = new OffscreenCanvas(1, 1);
  #context;

  /**
   * A canvas that is known to draw. Chromium 156 draws transparent pixels without an error in some of the ways in which
   * a canvas of WebGPU can be drawn on another.
   * @param {GPUDevice} device
   * @returns {GpuCanvas | undefined} undefined if it draws other pixels than it was given
   */
  static open(device) {
    const canvas = new GpuCanvas(device);
    if (canvas.#drawsSample()) return canvas;
    canvas.close();
    return undefined;
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

  /** Whether known pixels, drawn in place of others, are what another canvas shows. */
  #drawsSample() {
    const shape = frameShape(2, 2);
    const rows = new Uint8Array(shape.bytes);
    const rowBytes = BYTES * shape.width;
    for (let row = 0; row < shape.height; row++) {
      rows.set(SAMPLE.subarray(row * rowBytes, (row + 1) * rowBytes), BYTES * shape.stride * row);
    }
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.#device.createBuffer({ size: shape.bytes, usage });
    this.#device.queue.writeBuffer(buffer, 0, rows);
    const target = new OffscreenCanvas(shape.width, shape.height).getContext("2d");
    if (!target) return false;
    target.fillRect(0, 0, shape.width, shape.height);
    this.draw(target, buffer, shape);
    const { data } = target.getImageData(0, 0, shape.width, shape.height);
    buffer.destroy();
    return SAMPLE.every((value, i) => data[i] === value);
  }

  close() {
    this.#context.unconfigure();
  }
}
