/**
 * What a page says about a chosen cell: which one lies under a point, its texts, and how much cells cover together.
 * @module
 */

/** @import { CellList, CellRow } from "../../wasm_bridge/autogaze.mjs" */

/** @typedef {{ left: number, top: number, width: number, height: number }} Area */

/**
 * Where a picture lies within the area that contains it (`object-fit: contain`).
 * @param {Area} area
 * @param {{ width: number, height: number }} picture
 * @returns {Area}
 */
export function containedArea(area, picture) {
  const scale = Math.min(area.width / picture.width, area.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return {
    left: area.left + (area.width - width) / 2,
    top: area.top + (area.height - height) / 2,
    width,
    height,
  };
}

/**
 * The cell under a point: of several the finest, and of those the first chosen.
 * @param {CellList} list
 * @param {number} x as a share of the frame's width
 * @param {number} y as a share of its height
 * @param {number[]} [hidden] grids that are not shown
 * @returns {number} its position in the order of choice, -1 if there is none
 */
export function cellAt({ cells, width, height }, x, y, hidden = []) {
  const [column, row] = [x * width, y * height];
  let best = -1;
  cells.forEach(([grid, y0, x0, y1, x1], index) => {
    const isInside = column >= x0 && column < x1 && row >= y0 && row < y1;
    if (isInside && !hidden.includes(grid) && grid > (cells[best]?.[0] ?? 0)) best = index;
  });
  return best;
}

/**
 * Which cells are shown, by their position in the order of choice.
 * @param {CellList} list
 * @param {number[]} hidden grids
 */
export function visibleCells({ cells }, hidden) {
  return [...cells.keys()].filter((index) => !hidden.includes(cells[index]?.[0] ?? 0));
}

/**
 * A token with a model, a cell with patch-diff.
 * @param {CellList["source"]} source
 */
export function unitOf(source) {
  return source === "autogaze" ? "token" : "cell";
}

/**
 * @param {CellList} list
 * @param {number} index in the order of choice
 * @returns {{ title: string, facts: string }} such as "Token 3 of 16" and its scale, confidence and share
 */
export function cellTexts({ cells, source, width, height }, index) {
  const unit = unitOf(source);
  const title = `${unit === "token" ? "Token" : "Cell"} ${index + 1} of ${cells.length}`;
  const row = cells[index];
  if (!row) return { title, facts: "" };
  const [grid, , , , , confidence] = row;
  const facts = [
    `scale ${grid}×${grid}`,
    // Patch-diff is sure of every cell; its order says which changed most.
    source === "autogaze" ? `confidence ${percentText(confidence)}` : "most changed first",
    `${percentText(pixelsOf(row) / (width * height))} of the frame`,
  ];
  return { title, facts: facts.join(" · ") };
}

/**
 * How much of the frame the first N cells cover together, for N from 0 to all of them.
 * @param {CellList} list
 * @returns {number[]} shares, 0 to 1
 */
export function coveredShares({ cells, width, height }) {
  const covered = new Uint8Array(width * height);
  let count = 0;
  const shares = [0];
  for (const [, y0, x0, y1, x1] of cells) {
    for (let y = y0; y < y1; y++) {
      for (let place = y * width + x0; place < y * width + x1; place++) {
        if (covered[place]) continue;
        covered[place] = 1;
        count += 1;
      }
    }
    shares.push(count / covered.length);
  }
  return shares;
}

/** @param {number} share 0 to 1, with a decimal where it is small */
export function percentText(share) {
  const percent = share * 100;
  return `${percent < 10 && percent > 0 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** @param {CellRow} row */
function pixelsOf([, y0, x0, y1, x1]) {
  return (y1 - y0) * (x1 - x0);
}
