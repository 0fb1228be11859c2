/**
 * Paints the mask panel.
 * @module
 */

import { ATOM_AT, latticeTable } from "./lattice_table.mjs";

/** @import { FrameShape } from "./frame_shape.mjs" */
/** @import { Job } from "./kernel.mjs" */
/** @import { Lattice } from "./lattice_table.mjs" */

/**
 * Every atom has a paint, the ground too, so that the panel is painted anew whatever it showed.
 * @typedef {object} MaskDrawing
 * @property {Lattice} lattice whose bytes are numbers of paints
 * @property {ArrayLike<number>} paints four numbers each: one of `PAINTS`, then red, green and blue; those of a
 *   `blended` paint are the addends of `BlendWeights` in `py/autogaze_web/frames/words.py`
 * @property {number} weight of the picture under blended paints: its `source`
 */

/**
 * `clear`: transparent black. `picture`: the frame. `dimmed`: the frame at three eighths of its brightness, as by `dim`
 * of `py/autogaze_web/panels/outlines.py`. `opaque`: a colour. `blended`: a colour blended over the frame.
 */
export const PAINTS = { clear: 0, picture: 1, dimmed: 2, opaque: 3, blended: 4 };

const THREAD_COLUMNS = 32;
const THREAD_ROWS = 8;

export const PAINT_MASK = /* wgsl */ `
struct Job {
  width: u32, height: u32, stride: u32, weight: u32,
  atom_columns: u32, paints: u32, unused0: u32, unused1: u32,
  table: array<u32>,
}

@group(0) @binding(0) var<storage, read> job: Job;
@group(0) @binding(1) var<storage, read> frame: array<u32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(${THREAD_COLUMNS}, ${THREAD_ROWS})
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= job.width || at.y >= job.height) { return; }
  let index = at.y * job.stride + at.x;
  let pixel = frame[index];
  let paint = job.paints + 4u * atom_at(at.x, at.y);
  let colour = vec3u(job.table[paint + 1u], job.table[paint + 2u], job.table[paint + 3u]);
  var painted = 0u;
  switch job.table[paint] {
    case ${PAINTS.picture}u: { painted = pixel; }
    case ${PAINTS.dimmed}u: {
      painted = ((pixel >> 2u) & 0x3f3f3fu) + ((pixel >> 3u) & 0x1f1f1fu) + (pixel & 0xff000000u);
    }
    case ${PAINTS.opaque}u: { painted = packed(colour, 0xff000000u); }
    case ${PAINTS.blended}u: {
      let picture = (vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u);
      painted = packed((picture * job.weight + colour) >> vec3u(24u), pixel & 0xff000000u);
    }
    default: {}
  }
  mask[index] = painted;
}

fn packed(colour: vec3u, alpha: u32) -> u32 { return colour.x | (colour.y << 8u) | (colour.z << 16u) | alpha; }
${ATOM_AT}`;

/**
 * The shader's job and its groups.
 * @param {MaskDrawing} drawing
 * @param {FrameShape} shape
 * @returns {Job}
 */
export function maskJob({ lattice, paints, weight }, { width, height, stride }) {
  const table = latticeTable(lattice, height, width);
  const job = new Uint32Array(8 + table.length + paints.length);
  job.set([width, height, stride, weight, lattice.columns.length - 1, table.length]);
  job.set(table, 8);
  job.set(paints, 8 + table.length);
  return {
    job,
    groups: [Math.ceil(width / THREAD_COLUMNS), Math.ceil(height / THREAD_ROWS), 1],
  };
}
