/**
 * The colours of the grids: `palettes.json`, which Python draws the mask with.
 * @module
 */

/**
 * `up_to` is the number of cells per side up to which a colour is used, null for all finer grids.
 * @typedef {{ up_to: number | null, colour: [number, number, number], name: string }} Shade
 * `lines`: how thick the outlines of such grids are.
 * @typedef {{ fill_shade: number, outline_lines: { up_to: number | null, lines: number }[], palettes: Record<string, Shade[]> }} PaletteTable
 */

/** @returns {Promise<PaletteTable>} */
export async function loadPalettes() {
  const response = await fetch(new URL("../../palettes.json", import.meta.url));
  if (!response.ok)
    throw new Error(`palettes.json is missing (${response.status}): build the site with "make site".`);
  return response.json();
}

/**
 * @param {PaletteTable} table
 * @param {string} palette name of a palette
 * @param {number} grid cells per side
 */
export function shadeOf(table, palette, grid) {
  return table.palettes[palette]?.find(({ up_to }) => up_to === null || grid <= up_to);
}

/**
 * How thick the outlines of a grid's cells are, in lines: the coarser, the thicker.
 * @param {PaletteTable} table
 * @param {number} grid cells per side
 */
export function outlineLines(table, grid) {
  return table.outline_lines.find(({ up_to }) => up_to === null || grid <= up_to)?.lines ?? 1;
}
