/**
 * The rows of a table whose numbers change with every frame.
 * @module
 */

import { element, showText } from "../page/element.mjs";

/**
 * Fills a table's body; rows are made once and kept, those that are not needed any more are removed.
 * @param {string} id
 * @param {{ name: string, detail?: string, total?: boolean, cells: string[] }[]} rows `detail`: small text below the
 *   name; `total`: whether the row is the sum of those above
 */
export function showRows(id, rows) {
  const body = element(id, HTMLTableSectionElement);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(({ name, detail = "", total = false, cells }, index) => {
    const row = body.rows[index] ?? newRow(body, detail !== "", cells.length);
    row.classList.toggle("vision-total", total);
    const [head, ...others] = row.cells;
    const [title, small] = head?.children ?? [];
    if (title) showText(title, name);
    if (small) showText(small, detail);
    cells.forEach((text, column) => {
      const cell = others[column];
      if (cell) showText(cell, text);
    });
  });
}

/**
 * @param {HTMLTableSectionElement} body
 * @param {boolean} detailed
 * @param {number} cells
 */
function newRow(body, detailed, cells) {
  const row = body.insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.append(document.createElement("span"));
  if (detailed) head.append(document.createElement("small"));
  row.append(head);
  for (let cell = 0; cell < cells; cell++) row.insertCell().className = "numbers";
  return row;
}
