/**
 * The pixels of a live view on the GPU: the frame, the one before it, the mask panel and the output. Python decides
 * what is drawn; this executes it, with the same bytes and sums as Python's own plane.
 * @module
 */

import { StagedUpload } from "../runner/staged_upload.mjs";
import { AnswerBuffers } from "./answer_buffers.mjs";
import { CELL_SUMS, cellSumsJob, joinParts } from "./cell_sums.mjs";
import { DRAW_OUTPUT, outputJob } from "./draw_output.mjs";
import { BYTES, columnsOf, FORMAT, frameShape, layoutOf, sizeOf } from "./frame_shape.mjs";
import { GpuCanvas } from "./gpu_canvas.mjs";
import { GpuScreens } from "./gpu_screens.mjs";
import { Kernel } from "./kernel.mjs";
import { maskJob, PAINT_MASK } from "./paint_mask.mjs";

/** @import { CellEdges } from "./cell_sums.mjs" */
/** @import { OutputDrawing } from "./draw_output.mjs" */
/** @import { Box, FrameShape } from "./frame_shape.mjs" */
/** @import { MaskDrawing } from "./paint_mask.mjs" */

/**
 * @typedef {"frame" | "previous" | "mask" | "output"} PictureName
 * @typedef {ImageBitmap | OffscreenCanvas} Picture
 * @typedef {Uint8Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>} Rows RGBA; a row may have more pixels than the
 *   frame is wide, as Python's have where the width is odd
 *
 * @typedef {object} Drawing
 * @property {OutputDrawing} output
 * @property {MaskDrawing | null} mask null leaves it as it is
 * @property {boolean} errors whether the squared errors are wanted
 *
 * @typedef {object} State of frames of one size
 * @property {FrameShape} shape
 * @property {Record<PictureName, GPUBuffer>} pictures
 * @property {GPUBuffer} errors of the blocks
 * @property {GPUTexture} texture through which pictures come in
 */

export class GpuPlane {
  #device;
  #kernels;
  #answers;
  #upload;
  /** @type {State | undefined} */
  #state;
  /** @type {GPUBuffer | undefined} */
  #sums;
  /** @type {GpuCanvas | undefined} */
  #canvas;
  #screensWork;

  /**
   * @param {GPUDevice} device
   * @param {{ cellSums: Kernel, drawOutput: Kernel, paintMask: Kernel }} kernels
   * @param {GpuCanvas | undefined} canvas
   * @param {boolean} screensWork
   */
  constructor(device, kernels, canvas, screensWork) {
    this.#device = device;
    this.#kernels = kernels;
    this.#canvas = canvas;
    this.#screensWork = screensWork;
    this.#answers = new AnswerBuffers(device);
    this.#upload = new StagedUpload(device, (size, usage) => device.createBuffer({ size, usage }));
  }

  /**
   * Compiles what the plane needs. The device remains the caller's, who also watches whether it is lost; what is
   * asked of the plane then is rejected.
   * @param {GPUDevice} device
   * @param {{ canvases: boolean }} can whether the device can draw on canvases; software adapters cannot (`GpuCanvas`)
   */
  static async create(device, { canvases }) {
    const [cellSums, drawOutput, paintMask] = await Promise.all([
      Kernel.compile(device, CELL_SUMS),
      Kernel.compile(device, DRAW_OUTPUT),
      Kernel.compile(device, PAINT_MASK),
    ]);
    const canvas = canvases ? GpuCanvas.open(device) : undefined;
    return new GpuPlane(
      device,
      { cellSums, drawOutput, paintMask },
      canvas,
      canvases && GpuScreens.work(device),
    );
  }

  /**
   * Takes the next frame; the one until now becomes the previous one. With a new size all pictures start as
   * transparent black. A picture is the caller's to close, once this has resolved.
   * @param {Picture | Rows} source a picture of exactly that size, or rows
   * @param {number} height that `refusal` allows
   * @param {number} width
   * @throws {Error} if the GPU has not enough memory for frames of that size; there is no state then
   */
  async receive(source, height, width) {
    if (this.#state?.shape.height !== height || this.#state.shape.width !== width) {
      await this.#allocate(height, width);
    }
    const { pictures } = this.#require();
    [pictures.frame, pictures.previous] = [pictures.previous, pictures.frame];
    this.#fill("frame", source);
  }

  /**
   * How much each cell changed from the previous frame to this one: sums of absolute differences of red, green and
   * blue bytes.
   * @param {CellEdges} edges
   * @returns {Promise<Float64Array>} (g, g, 3) integers
   */
  async cellSums(edges) {
    const { shape, pictures } = this.#require();
    const job = cellSumsJob(edges, shape.stride, this.#device.limits.maxComputeWorkgroupsPerDimension);
    if (this.#sums?.size !== job.bytes) {
      this.#sums?.destroy();
      this.#sums = this.#buffer(job.bytes);
    }
    const encoder = this.#device.createCommandEncoder();
    encoder.clearBuffer(this.#sums);
    this.#kernels.cellSums.encode(encoder, job, [pictures.previous, pictures.frame, this.#sums]);
    return joinParts(new Uint32Array(await this.#answers.read(encoder, this.#sums, job.bytes)));
  }

  /**
   * Draws the output and the mask panel.
   * @param {Drawing} drawing
   * @returns {Promise<Uint32Array>} the squared errors of the output's blocks against the frame, row by row; none if
   *   they are not wanted
   */
  async draw({ output, mask, errors }) {
    const { shape, pictures, errors: buffer } = this.#require();
    const encoder = this.#device.createCommandEncoder();
    const buffers = [pictures.frame, pictures.output, buffer];
    this.#kernels.drawOutput.encode(encoder, outputJob(output, shape), buffers);
    if (mask) this.#kernels.paintMask.encode(encoder, maskJob(mask, shape), [pictures.frame, pictures.mask]);
    if (errors) return new Uint32Array(await this.#answers.read(encoder, buffer, buffer.size));
    this.#device.queue.submit([encoder.finish()]);
    return new Uint32Array(0);
  }

  /**
   * The pixels of a picture in a box, as they are when this is called.
   * @param {PictureName} name
   * @param {Box} [box] the whole picture if it is omitted
   * @returns {Promise<Uint8ClampedArray<ArrayBuffer>>} RGBA
   */
  async readBack(name, box) {
    const { shape, pictures } = this.#require();
    const [y0, x0, y1, x1] = box ?? [0, 0, shape.height, shape.width];
    if (y1 <= y0 || x1 <= x0) return new Uint8ClampedArray(0);
    const rowBytes = BYTES * shape.stride;
    const encoder = this.#device.createCommandEncoder();
    const rows = await this.#answers.read(encoder, pictures[name], (y1 - y0) * rowBytes, y0 * rowBytes);
    return columnsOf(new Uint8Array(rows), shape.stride, x0, x1);
  }

  /** The frame, for others on the same device to copy, if there is one. */
  get frameOnGpu() {
    if (!this.#state) return undefined;
    const { shape, pictures } = this.#state;
    return { device: this.#device, buffer: pictures.frame, rowPixels: shape.stride };
  }

  /**
   * Replaces a picture, as when another plane's state moves here.
   * @param {PictureName} name
   * @param {Picture | Rows} source of the frames' size
   */
  write(name, source) {
    this.#fill(name, source);
  }

  /**
   * Shows pictures as they are when this is called, in place of all that canvases of their size have shown.
   * @param {Partial<Record<PictureName, OffscreenCanvasRenderingContext2D>>} contexts
   */
  async show(contexts) {
    const { shape, pictures } = this.#require();
    const wanted = /** @type {[PictureName, OffscreenCanvasRenderingContext2D][]} */ (
      Object.entries(contexts)
    );
    if (this.#canvas) {
      for (const [name, context] of wanted) this.#canvas.draw(context, pictures[name], shape);
      return;
    }
    const pixels = await Promise.all(wanted.map(([name]) => this.readBack(name)));
    for (const [i, [, context]] of wanted.entries()) {
      const rows = /** @type {Uint8ClampedArray<ArrayBuffer>} */ (pixels[i]);
      context.putImageData(new ImageData(rows, shape.width, shape.height), 0, 0);
    }
  }

  /** Of the frames, if there are any. */
  get shape() {
    return this.#state?.shape;
  }

  /** Whether it can draw on canvases of WebGPU. */
  get drawsOnScreens() {
    return this.#screensWork;
  }

  /**
   * Shows the frame, the mask panel and the output as they are when this is called.
   * @param {GpuScreens} screens
   */
  showOn(screens) {
    const { shape, pictures } = this.#require();
    screens.show(this.#device, pictures, shape);
  }

  /** Frees all that it has on the GPU. Nothing can be asked of it afterwards; answers that are awaited still come. */
  close() {
    this.#free();
    for (const kernel of Object.values(this.#kernels)) kernel.close();
    this.#canvas?.close();
    this.#canvas = undefined;
  }

  /**
   * @param {PictureName} name
   * @param {Picture | Rows} source
   */
  #fill(name, source) {
    const { shape, pictures, texture } = this.#require();
    const { queue } = this.#device;
    if ("buffer" in source && source.byteLength === shape.bytes) {
      this.#upload.write(pictures[name], source);
      return;
    }
    if ("buffer" in source) {
      const bytesPerRow = source.byteLength / shape.height;
      queue.writeTexture({ texture }, source, { bytesPerRow }, sizeOf(shape));
    } else {
      queue.copyExternalImageToTexture({ source }, { texture }, sizeOf(shape));
    }
    const encoder = this.#device.createCommandEncoder();
    encoder.copyTextureToBuffer({ texture }, layoutOf(pictures[name], shape), sizeOf(shape));
    queue.submit([encoder.finish()]);
  }

  /**
   * @param {number} height
   * @param {number} width
   */
  async #allocate(height, width) {
    this.#free();
    const shape = frameShape(height, width);
    this.#device.pushErrorScope("out-of-memory");
    const picture = () => this.#buffer(shape.bytes);
    const state = {
      shape,
      pictures: { frame: picture(), previous: picture(), mask: picture(), output: picture() },
      errors: this.#buffer(BYTES * shape.blockRows * shape.blockColumns),
      texture: this.#device.createTexture({
        size: sizeOf(shape),
        format: FORMAT,
        usage: GPUTextureUsage.COPY_SRC | GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT,
      }),
    };
    this.#state = state;
    const error = await this.#device.popErrorScope();
    if (error) {
      this.#free();
      throw new Error(`it has no memory for frames of ${width}x${height} pixels`);
    }
  }

  #free() {
    const { pictures = {}, errors, texture } = this.#state ?? {};
    for (const buffer of [...Object.values(pictures), errors, texture, this.#sums]) buffer?.destroy();
    this.#state = this.#sums = undefined;
    this.#answers.free();
    this.#upload.close();
  }

  #require() {
    if (!this.#state) throw new Error("the plane has received no frame");
    return this.#state;
  }

  /** @param {number} size in bytes */
  #buffer(size) {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.#device.createBuffer({ size, usage });
  }
}
