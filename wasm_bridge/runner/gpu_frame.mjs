/**
 * Converts frames to the model's input on the GPU: the image processor's resize in 8 bits, bit for bit, then
 * normalisation and the model's own resize in float32. Python makes the plan
 * (`py/autogaze_web/page/gpu_resize.py`); this module executes it.
 * @module
 */

/**
 * @typedef {object} Pass `gpu_resize.Pass`
 * @property {"shrink" | "normalise" | "blend"} kind
 * @property {number} width of the result
 * @property {number} height of the result
 * @property {number} stride elements in a row of the source
 * @property {"columns" | "rows"} along
 * @property {number} taps
 * @property {number} table offset of its indices, which its weights follow
 * @property {number} colours offset of the table of normalised values
 *
 * @typedef {(
 *   passes: Pass[],
 *   pixels: Uint8ClampedArray<ArrayBuffer>,
 *   tables?: Uint32Array<ArrayBuffer>,
 * ) => void} UploadFrame rows of RGBA; `tables` is omitted while unchanged since the previous frame
 */

const SHADER = /* wgsl */ `
struct Pass {
  width: u32, height: u32, stride: u32, along_rows: u32,
  taps: u32, table: u32, colours: u32, planes: u32,
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
`;

const WORKGROUP = 8;
const CHANNELS = 3;

/**
 * @typedef {{ pipeline: GPUComputePipeline, bindings: GPUBindGroup, groups: [number, number, number] }} Step
 * @typedef {{ pixels: GPUBuffer, result: GPUBuffer, buffers: GPUBuffer[], steps: Step[] }} Plan
 */

export class FrameResizer {
  #device;
  #makeBuffer;
  /** @type {Map<string, GPUComputePipeline>} */
  #pipelines = new Map();
  /** @type {Plan | undefined} */
  #plan;

  /**
   * @param {GPUDevice} device
   * @param {(size: number, usage?: number) => GPUBuffer} makeBuffer
   */
  constructor(device, makeBuffer) {
    this.#device = device;
    this.#makeBuffer = makeBuffer;
  }

  /**
   * Uploads a frame's pixels.
   * @type {UploadFrame}
   */
  take = (passes, pixels, tables) => {
    if (tables) this.#prepare(passes, pixels.byteLength, tables);
    if (this.#plan?.pixels.size !== pixels.byteLength) {
      throw new Error("a frame of another size came without its tables");
    }
    this.#device.queue.writeBuffer(this.#plan.pixels, 0, pixels);
  };

  /**
   * Encodes the commands that convert the last frame to the model's input.
   * @param {GPUCommandEncoder} encoder
   * @param {GPUBuffer} target
   */
  encode(encoder, target) {
    if (!this.#plan) throw new Error("no frame was taken");
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindings, groups } of this.#plan.steps) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(...groups);
    }
    pass.end();
    encoder.copyBufferToBuffer(this.#plan.result, 0, target, 0, target.size);
  }

  /** Frees the last frame's buffers. */
  close() {
    for (const buffer of this.#plan?.buffers ?? []) buffer.destroy();
    this.#plan = undefined;
  }

  /**
   * @param {Pass[]} passes
   * @param {number} bytes of a frame
   * @param {Uint32Array<ArrayBuffer>} tables
   */
  #prepare(passes, bytes, tables) {
    const { queue } = this.#device;
    this.close();
    const pixels = this.#makeBuffer(bytes);
    const table = this.#makeBuffer(tables.byteLength);
    queue.writeBuffer(table, 0, tables);
    const buffers = [pixels, table];
    let source = pixels;
    let planes = 0;
    /** @type {Step[]} */
    const steps = [];
    for (const pass of passes) {
      const { width, height } = pass;
      const depth = pass.kind === "shrink" ? 1 : CHANNELS;
      const uniform = this.#makeBuffer(32, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      queue.writeBuffer(uniform, 0, uniformOf(pass, planes));
      const result = this.#makeBuffer(4 * depth * width * height);
      const pipeline = this.#pipeline(pass.kind);
      const entries = [uniform, table, source, result].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      }));
      const bindings = this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      steps.push({
        pipeline,
        bindings,
        groups: [Math.ceil(width / WORKGROUP), Math.ceil(height / WORKGROUP), depth],
      });
      buffers.push(uniform, result);
      source = result;
      planes = height;
    }
    this.#plan = { pixels, result: source, buffers, steps };
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
 */
function uniformOf({ width, height, stride, along, taps, table, colours }, planes) {
  return new Uint32Array([width, height, stride, along === "rows" ? 1 : 0, taps, table, colours, planes]);
}
