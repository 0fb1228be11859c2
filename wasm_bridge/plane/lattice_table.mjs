/**
 * Lattices as tables in which a shader looks up the atom of a pixel.
 * @module
 */

/**
 * A frame cut along lines, with a byte for each atom: `Lattice` of `py/autogaze_web/masks/update_plan.py`.
 * @typedef {object} Lattice
 * @property {ArrayLike<number>} rows R + 1 pixel edges, ascending from 0 to the frame's height
 * @property {ArrayLike<number>} columns C + 1 pixel edges, ascending from 0 to its width
 * @property {Uint8Array | Uint8ClampedArray} atoms R x C: whether an atom is covered, or the number of its paint
 */

/**
 * The row of each y, the column of each x, then the atoms, four to a number. All shaders that use a lattice read it
 * with `ATOM_AT`.
 * @param {Lattice} lattice
 * @param {number} height of the frame
 * @param {number} width of the frame
 */
export function latticeTable({ rows, columns, atoms }, height, width) {
  const [bottom, right] = [rows[rows.length - 1], columns[columns.length - 1]];
  if (bottom !== height || right !== width) {
    throw new Error(`the lattice of a frame of ${width}x${height} pixels covers it, got ${right}x${bottom}`);
  }
  const count = (rows.length - 1) * (columns.length - 1);
  if (atoms.length !== count) {
    throw new Error(`a lattice of ${count} atoms has a byte for each, got ${atoms.length}`);
  }
  const table = new Uint32Array(height + width + Math.ceil(count / 4));
  fillBetween(table.subarray(0, height), rows);
  fillBetween(table.subarray(height, height + width), columns);
  new Uint8Array(table.buffer).set(atoms, 4 * (height + width));
  return table;
}

/** Needs `job.height`, `job.width`, `job.atom_columns` and the table as `job.table`. */
export const ATOM_AT = /* wgsl */ `
fn atom_at(x: u32, y: u32) -> u32 {
  let atom = job.table[y] * job.atom_columns + job.table[job.height + x];
  let four = job.table[job.height + job.width + atom / 4u];
  return (four >> (8u * (atom % 4u))) & 255u;
}
`;

/**
 * Between two edges, the number of the first.
 * @param {Uint32Array} table
 * @param {ArrayLike<number>} edges
 */
function fillBetween(table, edges) {
  for (let atom = 0; atom + 1 < edges.length; atom++) table.fill(atom, edges[atom], edges[atom + 1]);
}
