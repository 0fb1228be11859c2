/**
 * Draws the output and measures the squared error of each of its blocks against the frame.
 * @module
 */

import { BLOCK } from "./frame_shape.mjs";
import { ATOM_AT, latticeTable } from "./lattice_table.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */
/** @import { Job } from "./kernel.mjs" */
/** @import { Lattice } from "./lattice_table.mjs" */

/**
 * What becomes of the output: the whole frame, the frame's covered pixels in it, or the frame with its covered pixels
 * blended with white. The weights are those of `BlendWeights` in `py/autogaze_web/frames/words.py`: `source` of
 * the pixel, and the `addend` of white.
 * @typedef {{ kind: "keyframe" }
 *   | { kind: "copy", lattice: Lattice }
 *   | { kind: "lighten", lattice: Lattice, weights: { source: number, addend: number } }} OutputDrawing
 */

const KINDS = ["keyframe", "copy", "lighten"];
const THREAD_ROWS = 8;

/** One group of threads for each block. */
export const DRAW_OUTPUT = /* wgsl */ `
struct Job {
  width: u32, height: u32, stride: u32, kind: u32,
  weight: u32, addend: u32, atom_columns: u32, block_columns: u32,
  table: array<u32>,
}

@group(0) @binding(0) var<storage, read> job: Job;
@group(0) @binding(1) var<storage, read> frame: array<u32>;
@group(0) @binding(2) var<storage, read_write> drawn: array<u32>;
@group(0) @binding(3) var<storage, read_write> errors: array<u32>;

var<workgroup> error_of_block: atomic<u32>;

@compute @workgroup_size(${BLOCK.columns}, ${THREAD_ROWS})
fn main(
  @builtin(workgroup_id) block: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let x = ${BLOCK.columns}u * block.x + local.x;
  var error = 0u;
  for (var row = local.y; row < ${BLOCK.rows}u; row += ${THREAD_ROWS}u) {
    let y = ${BLOCK.rows}u * block.y + row;
    if (x < job.width && y < job.height) { error += draw(x, y); }
  }
  atomicAdd(&error_of_block, error);
  workgroupBarrier();
  if (thread == 0u) { errors[block.y * job.block_columns + block.x] = atomicLoad(&error_of_block); }
}

// Draws a pixel and returns its squared error.
fn draw(x: u32, y: u32) -> u32 {
  let at = y * job.stride + x;
  let pixel = frame[at];
  var result = pixel;
  if (job.kind != ${KINDS.indexOf("keyframe")}u) {
    let covered = atom_at(x, y) != 0u;
    if (job.kind == ${KINDS.indexOf("copy")}u && !covered) { result = drawn[at]; }
    if (job.kind == ${KINDS.indexOf("lighten")}u && covered) { result = lightened(pixel); }
  }
  drawn[at] = result;
  let difference = colours(pixel) - colours(result);
  let squares = difference * difference;
  return u32(squares.x + squares.y + squares.z);
}

fn lightened(pixel: u32) -> u32 {
  let blended = (vec3u(colours(pixel)) * job.weight + job.addend) >> vec3u(24u);
  return blended.x | (blended.y << 8u) | (blended.z << 16u) | (pixel & 0xff000000u);
}

fn colours(pixel: u32) -> vec3i { return vec3i((vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u)); }
${ATOM_AT}`;

/**
 * The shader's job and its groups.
 * @param {OutputDrawing} drawing
 * @param {FrameShape} shape
 * @returns {Job}
 */
export function outputJob(drawing, { width, height, stride, blockRows, blockColumns }) {
  const table = "lattice" in drawing ? latticeTable(drawing.lattice, height, width) : new Uint32Array(0);
  const atomColumns = "lattice" in drawing ? drawing.lattice.columns.length - 1 : 0;
  const { source, addend } = "weights" in drawing ? drawing.weights : { source: 0, addend: 0 };
  const job = new Uint32Array(8 + table.length);
  job.set([width, height, stride, KINDS.indexOf(drawing.kind), source, addend, atomColumns, blockColumns]);
  job.set(table, 8);
  return { job, groups: [blockColumns, blockRows, 1] };
}
