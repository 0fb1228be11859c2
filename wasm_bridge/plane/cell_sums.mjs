/**
 * Patch-diff's sums: for each cell how much red, green and blue changed since the frame before.
 * @module
 */

/** @import { Job } from "./kernel.mjs" */

/**
 * Pixel edges of the cells: `cell_edges` of `py/autogaze_web/masks/cells.py` along both axes. Cells may share pixels.
 * @typedef {object} CellEdges
 * @property {ArrayLike<number>} rowFirst first row of the cells of each row of the grid
 * @property {ArrayLike<number>} rowEnd exclusive
 * @property {ArrayLike<number>} columnFirst
 * @property {ArrayLike<number>} columnEnd
 */

const THREADS = 64;
const PIXELS_PER_THREAD = 32;
/** Numbers of a cell: the upper and the lower parts of three sums. */
const PARTS = 6;

/**
 * A group of threads sums a slice of a cell. Its sums are added up in two parts of 16 bits each, since those of a
 * cell can exceed 32 bits: at most 65535 lower parts of less than 2^16 fit in 32 bits.
 */
export const CELL_SUMS = /* wgsl */ `
struct Job { grid: u32, stride: u32, slices: u32, unused: u32, table: array<u32> }

@group(0) @binding(0) var<storage, read> job: Job;
@group(0) @binding(1) var<storage, read> before: array<u32>;
@group(0) @binding(2) var<storage, read> frame: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<atomic<u32>>;

var<workgroup> slice_sums: array<atomic<u32>, 3>;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let column = group.x;
  let row = group.y;
  let top = job.table[row];
  let left = job.table[2u * job.grid + column];
  let height = job.table[job.grid + row] - top;
  let width = job.table[3u * job.grid + column] - left;
  var sum = vec3u();
  for (var i = group.z * ${THREADS}u + thread; i < height * width; i += job.slices * ${THREADS}u) {
    let at = (top + i / width) * job.stride + left + i % width;
    sum += vec3u(abs(colours(before[at]) - colours(frame[at])));
  }
  atomicAdd(&slice_sums[0], sum.x);
  atomicAdd(&slice_sums[1], sum.y);
  atomicAdd(&slice_sums[2], sum.z);
  workgroupBarrier();
  if (thread < 3u) {
    let sum_of_slice = atomicLoad(&slice_sums[thread]);
    let cell = ${PARTS}u * (row * job.grid + column) + 2u * thread;
    atomicAdd(&sums[cell], sum_of_slice >> 16u);
    atomicAdd(&sums[cell + 1u], sum_of_slice & 65535u);
  }
}

fn colours(pixel: u32) -> vec3i { return vec3i((vec3u(pixel) >> vec3u(0u, 8u, 16u)) & vec3u(255u)); }
`;

/**
 * The shader's job, its groups and the bytes of its answer.
 * @param {CellEdges} edges
 * @param {number} stride pixels from one row of a frame to the next
 * @param {number} mostGroups along an axis: the device's `maxComputeWorkgroupsPerDimension`
 * @returns {Job & { bytes: number }}
 */
export function cellSumsJob({ rowFirst, rowEnd, columnFirst, columnEnd }, stride, mostGroups) {
  const grid = rowFirst.length;
  const pixels = longest(rowFirst, rowEnd) * longest(columnFirst, columnEnd);
  const slices = Math.min(Math.ceil(pixels / (THREADS * PIXELS_PER_THREAD)), mostGroups);
  const job = new Uint32Array(4 + 4 * grid);
  job.set([grid, stride, slices]);
  for (const [axis, values] of [rowFirst, rowEnd, columnFirst, columnEnd].entries()) {
    job.set(values, 4 + axis * grid);
  }
  return {
    job,
    groups: [grid, grid, slices],
    bytes: 4 * PARTS * grid * grid,
  };
}

/**
 * The sums of red, green and blue of each cell, row by row, from their parts; exact, since they are below 2^53.
 * @param {Uint32Array} parts
 */
export function joinParts(parts) {
  const sums = new Float64Array(parts.length / 2);
  for (let i = 0; i < sums.length; i++) {
    sums[i] = 65536 * Number(parts[2 * i]) + Number(parts[2 * i + 1]);
  }
  return sums;
}

/**
 * @param {ArrayLike<number>} first
 * @param {ArrayLike<number>} end
 */
function longest(first, end) {
  let length = 0;
  for (let i = 0; i < first.length; i++) length = Math.max(length, Number(end[i]) - Number(first[i]));
  return length;
}
