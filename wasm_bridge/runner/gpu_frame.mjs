/**
 * Converts frames to the model's input on the GPU: the image processor's resize in 8 bits, bit for bit, then
 * normalisation and the model's own resize in float32. Python makes the plan
 * (`py/autogaze_web/page/gpu_resize.py`); this module executes it.
 * @module
 */

import { StagedUpload } from "./staged_upload.mjs";

/**
 * @typedef {object} Pass `gpu_resize.Pass`
 * @property {"shrink" | "normalise" | "blend" | "cut"} kind
 * @property {number} width of the result
 * @property {number} height of the result
 * @property {number} stride elements in a row of the source
 * @property {"columns" | "rows"} along
 * @property {number} taps
 * @property {number} table offset of its indices, which its weights follow
 * @property {number} colours offset of the table of normalised values
 * @property {number} tiles
 * @property {number} tile_columns tiles in a row
 * @property {number} tile_stride pixels from one to the next
 * @property {number} table_size
 * @property {number} frames the last frames that are stored
 *
 * @typedef {(
 *   passes: Pass[],
 *   pixels: Uint8ClampedArray<ArrayBuffer>,
 *   tables?: Uint32Array<ArrayBuffer>,
 * ) => void} UploadFrame rows of RGBA; `tables` is omitted while unchanged since the previous frame
 *
 * @typedef {{ device: GPUDevice, buffer: GPUBuffer }} FrameOnGpu rows of RGBA; the buffer has no bytes but theirs
 */

const SHADER = /* wgsl */ `
struct Pass {
  width: u32, height: u32, stride: u32, along_rows: u32,
  taps: u32, table: u32, colours: u32, planes: u32,
  tiles: u32, tile_columns: u32, tile_stride: u32, table_size: u32,
  first: u32, padding0: u32, padding1: u32, padding2: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> shrunk: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

fn index_of(tap: u32, position: u32, size: u32) -> u32 { return tables[pass_.table + tap * size + position]; }

fn weight_of(tap: u32, position: u32, size: u32) -> u32 {
  return tables[pass_.table + (pass_.taps + tap) * size + position];
}

// Pillow's 8-bit resize: weights of 22 bits, their sum rounded to 8 bits.
@compute @workgroup_size(8, 8)
fn shrink(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= pass_.width || at.y >= pass_.height) { return; }
  let rows = pass_.along_rows == 1u;
  let position = select(at.x, at.y, rows);
  let size = select(pass_.width, pass_.height, rows);
  var sum = vec3u(1u << 21u);
  for (var tap = 0u; tap < pass_.taps; tap++) {
    let index = index_of(tap, position, size);
    let pixel = pixels[select(at.y * pass_.stride + index, index * pass_.stride + at.x, rows)];
    sum += weight_of(tap, position, size) * ((vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
  }
  let rgb = sum >> vec3u(22u);
  shrunk[at.y * pass_.width + at.x] = rgb.x | (rgb.y << 8u) | (rgb.z << 16u);
}

// 8-bit pixels to three planes of normalised values, blended along the columns.
@compute @workgroup_size(8, 8)
fn normalise(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= pass_.width || at.y >= pass_.height) { return; }
  var sum = 0.0;
  for (var tap = 0u; tap < pass_.taps; tap++) {
    let pixel = pixels[at.y * pass_.stride + index_of(tap, at.x, pass_.width)];
    let value = (pixel >> (8u * at.z)) & 255u;
    let weight = bitcast<f32>(weight_of(tap, at.x, pass_.width));
    sum += weight * bitcast<f32>(tables[pass_.colours + 256u * at.z + value]);
  }
  result[(at.z * pass_.height + at.y) * pass_.width + at.x] = sum;
}

// Planes blended along the rows.
@compute @workgroup_size(8, 8)
fn blend(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= pass_.width || at.y >= pass_.height) { return; }
  var sum = 0.0;
  for (var tap = 0u; tap < pass_.taps; tap++) {
    let row = index_of(tap, at.y, pass_.height);
    let weight = bitcast<f32>(weight_of(tap, at.y, pass_.height));
    sum += weight * values[(at.z * pass_.planes + row) * pass_.stride + at.x];
  }
  result[(at.z * pass_.height + at.y) * pass_.width + at.x] = sum;
}

// The same for the part of the planes under each tile, from a first tile on.
@compute @workgroup_size(8, 8)
fn cut(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= pass_.width || at.y >= pass_.height) { return; }
  let tile = min(pass_.first + at.z / 3u, pass_.tiles - 1u);
  let top = tile / pass_.tile_columns * pass_.tile_stride;
  let left = tile % pass_.tile_columns * pass_.tile_stride;
  var sum = 0.0;
  for (var tap = 0u; tap < pass_.taps; tap++) {
    let row = index_of(tap, top + at.y, pass_.table_size);
    let weight = bitcast<f32>(weight_of(tap, top + at.y, pass_.table_size));
    sum += weight * values[(at.z % 3u * pass_.planes + row) * pass_.stride + left + at.x];
  }
  result[(at.z * pass_.height + at.y) * pass_.width + at.x] = sum;
}
`;

const WORKGROUP = 8;
const CHANNELS = 3;
const UNIFORM_BYTES = 64;

/**
 * @typedef {{ pipeline: GPUComputePipeline, bindings: GPUBindGroup, groups: [number, number, number] }} Step
 * @typedef {object} Plan
 * @property {GPUBuffer[]} pixels of the last frames, each overwritten in turn
 * @property {number} newest index of the newest one
 * @property {GPUBuffer[]} buffers tables and what lies between the passes
 * @property {(target: GPUBuffer, first: number, age: number) => Step[]} steps that write to a buffer
 */

export class FrameResizer {
  #device;
  #makeBuffer;
  #upload;
  /** @type {Map<string, GPUComputePipeline>} */
  #pipelines = new Map();
  /** @type {Plan | undefined} */
  #plan;
  /** A frame's pixels until it is their turn. @type {GPUBuffer | undefined} */
  #kept;
  #hasKept = false;

  /**
   * @param {GPUDevice} device
   * @param {(size: number, usage?: number) => GPUBuffer} makeBuffer
   */
  constructor(device, makeBuffer) {
    this.#device = device;
    this.#makeBuffer = makeBuffer;
    this.#upload = new StagedUpload(device, makeBuffer);
  }

  /**
   * Uploads a frame's pixels.
   * @type {UploadFrame}
   */
  take = (passes, pixels, tables) => {
    const { pixels: places, newest } = this.#next(passes, pixels.byteLength, tables);
    this.#upload.write(/** @type {GPUBuffer} */ (places[newest]), pixels);
  };

  /**
   * Copies a frame's pixels within the GPU, in place of those that were kept before. The frame may change afterwards.
   * @param {GPUBuffer} frame
   */
  keep(frame) {
    if (this.#kept?.size !== frame.size) {
      this.#kept?.destroy();
      this.#kept = this.#makeBuffer(frame.size);
    }
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(frame, 0, this.#kept, 0, frame.size);
    this.#device.queue.submit([encoder.finish()]);
    this.#hasKept = true;
  }

  /**
   * Takes the pixels that were kept, once.
   * @param {Pass[]} passes
   * @param {Uint32Array<ArrayBuffer>} [tables] as for `take`
   */
  takeKept(passes, tables) {
    const kept = this.#kept;
    if (!kept || !this.#hasKept) throw new Error("no frame was kept");
    this.#hasKept = false;
    const { pixels: places, newest } = this.#next(passes, kept.size, tables);
    // They change places: where an old frame was, the next one is kept.
    [this.#kept, places[newest]] = [places[newest], kept];
  }

  /**
   * Encodes the commands that convert the last frame to the model's input.
   * @param {GPUCommandEncoder} encoder
   * @param {GPUBuffer} target
   * @param {number} [first] the first tile, if the frame is cut
   * @param {number} [age] frames since the one to convert
   */
  encode(encoder, target, first = 0, age = 0) {
    if (!this.#plan) throw new Error("no frame was taken");
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindings, groups } of this.#plan.steps(target, first, age)) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(...groups);
    }
    pass.end();
  }

  /** Frees the last frame's buffers. */
  close() {
    this.#freePlan();
    this.#upload.close();
    this.#kept?.destroy();
    this.#kept = undefined;
    this.#hasKept = false;
  }

  #freePlan() {
    const { buffers = [], pixels = [] } = this.#plan ?? {};
    for (const buffer of [...buffers, ...pixels]) buffer.destroy();
    this.#plan = undefined;
  }

  /**
   * The plan for a frame; its newest pixels are those to be replaced.
   * @param {Pass[]} passes
   * @param {number} bytes of the frame
   * @param {Uint32Array<ArrayBuffer>} [tables]
   */
  #next(passes, bytes, tables) {
    if (tables) this.#prepare(passes, bytes, tables);
    const plan = this.#plan;
    if (!plan || plan.pixels[0]?.size !== bytes) {
      throw new Error("a frame of another size came without its tables");
    }
    plan.newest = (plan.newest + 1) % plan.pixels.length;
    return plan;
  }

  /**
   * @param {Pass[]} passes
   * @param {number} bytes of a frame
   * @param {Uint32Array<ArrayBuffer>} tables
   */
  #prepare(passes, bytes, tables) {
    const { queue } = this.#device;
    this.#freePlan();
    const pixels = Array.from({ length: passes.at(-1)?.frames ?? 1 }, () => this.#makeBuffer(bytes));
    const table = this.#makeBuffer(tables.byteLength);
    queue.writeBuffer(table, 0, tables);
    const buffers = [table];
    /** The uniform of each pass, and what it writes; the last pass writes to the target. */
    const stages = passes.map((pass, number) => {
      const uniform = this.#makeBuffer(UNIFORM_BYTES, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      const planes = passes[number - 1]?.height ?? 0;
      queue.writeBuffer(uniform, 0, uniformOf(pass, planes, 0));
      buffers.push(uniform);
      if (number === passes.length - 1) return { pass, planes, uniform, result: null };
      const channels = pass.kind === "shrink" ? 1 : CHANNELS;
      const result = this.#makeBuffer(4 * channels * pass.width * pass.height);
      buffers.push(result);
      return { pass, planes, uniform, result };
    });
    /** The steps from each frame's pixels to each target: most frames have those of one before. */
    const made = /** @type {WeakMap<GPUBuffer, WeakMap<GPUBuffer, Step[]>>} */ (new WeakMap());
    const stepsTo = (/** @type {GPUBuffer} */ target, /** @type {GPUBuffer} */ frame) => {
      let source = frame;
      return stages.map(({ pass, uniform, result }) => {
        const step = this.#step(pass, [uniform, table, source, result ?? target]);
        source = result ?? target;
        return step;
      });
    };
    /** @type {Plan} */
    const plan = {
      pixels,
      newest: -1,
      buffers,
      steps: (target, first, age) => {
        for (const { pass, planes, uniform } of stages) {
          if (pass.kind === "cut") queue.writeBuffer(uniform, 0, uniformOf(pass, planes, first));
        }
        const frame = pixels.at((plan.newest - age) % pixels.length) ?? target;
        const toTargets = made.get(frame) ?? new WeakMap();
        const steps = toTargets.get(target) ?? stepsTo(target, frame);
        made.set(frame, toTargets.set(target, steps));
        return steps;
      },
    };
    this.#plan = plan;
  }

  /**
   * @param {Pass} pass
   * @param {GPUBuffer[]} buffers uniform, table, source and result
   * @returns {Step}
   */
  #step({ kind, width, height }, buffers) {
    const pipeline = this.#pipeline(kind);
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const planes = (buffers.at(-1)?.size ?? 0) / (4 * width * height);
    return {
      pipeline,
      bindings: this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
      groups: [Math.ceil(width / WORKGROUP), Math.ceil(height / WORKGROUP), planes],
    };
  }

  /** @param {string} kind */
  #pipeline(kind) {
    let pipeline = this.#pipelines.get(kind);
    if (!pipeline) {
      const module = this.#device.createShaderModule({ code: SHADER });
      pipeline = this.#device.createComputePipeline({
        layout: "auto",
        compute: { module, entryPoint: kind },
      });
      this.#pipelines.set(kind, pipeline);
    }
    return pipeline;
  }
}

/**
 * @param {Pass} pass
 * @param {number} planes rows of each plane of the source
 * @param {number} first tile
 */
function uniformOf(pass, planes, first) {
  const { width, height, stride, along, taps, table, colours } = pass;
  const values = new Uint32Array(UNIFORM_BYTES / 4);
  values.set([width, height, stride, along === "rows" ? 1 : 0, taps, table, colours, planes]);
  values.set([pass.tiles, pass.tile_columns, pass.tile_stride, pass.table_size, first], 8);
  return values;
}
