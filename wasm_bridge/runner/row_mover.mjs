/**
 * Copies pieces of tensors on the GPU in one compute pass. A copy command for each piece would be a command for
 * every head of every layer of every tile: thousands, which take longer than the model.
 * @module
 */

/**
 * @typedef {{ source: number, target: number, length: number }} Piece in elements of four bytes
 * @typedef {{ from: GPUBuffer, to: GPUBuffer }} Pair different buffers
 */

// Bits are copied, not floats: a GPU may flush a denormal float to zero.
const SHADER = /* wgsl */ `
@group(0) @binding(0) var<storage, read> pieces: array<vec4u>;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(64)
fn move_rows(@builtin(global_invocation_id) at: vec3u) {
  let piece = pieces[at.y];
  if (at.x < piece.z) { result[piece.y + at.x] = source[piece.x + at.x]; }
}
`;

const WORKGROUP = 64;
const PIECE_WORDS = 4;
/** What every WebGPU device can dispatch along one axis. */
const MOST_GROUPS = 65535;

export class RowMover {
  #device;
  #makeBuffer;
  /** @type {GPUComputePipeline | undefined} */
  #pipeline;
  /** @type {GPUBuffer | undefined} */
  #pieces;
  /** Bindings by target and source; those to a table of pieces that was replaced are forgotten with it. */
  #bindings = /** @type {WeakMap<GPUBuffer, WeakMap<GPUBuffer, GPUBindGroup>>} */ (new WeakMap());

  /**
   * @param {GPUDevice} device
   * @param {(size: number) => GPUBuffer} makeBuffer
   */
  constructor(device, makeBuffer) {
    this.#device = device;
    this.#makeBuffer = makeBuffer;
  }

  /**
   * Encodes the copies of the same pieces between each pair of buffers. The encoder has to be submitted before the
   * next call.
   * @param {GPUCommandEncoder} encoder
   * @param {Piece[]} pieces
   * @param {Pair[]} pairs
   */
  encode(encoder, pieces, pairs) {
    const longest = Math.max(0, ...pieces.map(({ length }) => length));
    if (longest === 0 || pairs.length === 0) return;
    const table = this.#write(pieces);
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#compiled());
    for (const { from, to } of pairs) {
      pass.setBindGroup(0, this.#bind(table, from, to));
      pass.dispatchWorkgroups(Math.ceil(longest / WORKGROUP), pieces.length);
    }
    pass.end();
  }

  close() {
    this.#pieces?.destroy();
    this.#pieces = undefined;
  }

  /** @param {Piece[]} pieces */
  #write(pieces) {
    if (pieces.length > MOST_GROUPS)
      throw new RangeError(`at most ${MOST_GROUPS} pieces, got ${pieces.length}`);
    const words = new Uint32Array(PIECE_WORDS * pieces.length);
    for (const [i, { source, target, length }] of pieces.entries()) {
      words.set([source, target, length], PIECE_WORDS * i);
    }
    if (!this.#pieces || this.#pieces.size < words.byteLength) {
      this.#pieces?.destroy();
      this.#pieces = this.#makeBuffer(words.byteLength);
      this.#bindings = new WeakMap();
    }
    this.#device.queue.writeBuffer(this.#pieces, 0, words);
    return this.#pieces;
  }

  /**
   * @param {GPUBuffer} table
   * @param {GPUBuffer} from
   * @param {GPUBuffer} to
   */
  #bind(table, from, to) {
    let bySource = this.#bindings.get(to);
    if (!bySource) {
      bySource = new WeakMap();
      this.#bindings.set(to, bySource);
    }
    let bound = bySource.get(from);
    if (!bound) {
      const layout = this.#compiled().getBindGroupLayout(0);
      const entries = [table, from, to].map((buffer, binding) => ({ binding, resource: { buffer } }));
      bound = this.#device.createBindGroup({ layout, entries });
      bySource.set(from, bound);
    }
    return bound;
  }

  #compiled() {
    if (!this.#pipeline) {
      const module = this.#device.createShaderModule({ code: SHADER });
      this.#pipeline = this.#device.createComputePipeline({ layout: "auto", compute: { module } });
    }
    return this.#pipeline;
  }
}
