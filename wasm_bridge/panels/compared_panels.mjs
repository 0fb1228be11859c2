/**
 * Mask and output of patch-diff on the frames that a model works on, beside the model's own.
 * @module
 */

import { withMemory } from "../python/python_memory.mjs";
import { PanelCanvas } from "./panel_canvas.mjs";

/** @import { Box } from "./panel_canvas.mjs" */

const NAMES = /** @type {const} */ (["mask", "output"]);

export class ComparedPanels {
  #panels;

  /** @param {{ mask: OffscreenCanvas, output: OffscreenCanvas }} canvases */
  constructor({ mask, output }) {
    this.#panels = { mask: new PanelCanvas(mask), output: new PanelCanvas(output) };
  }

  /**
   * Draws the parts of a frame's panels that changed.
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {{ width: number, height: number, maskBox: Box, outputBox: Box }} report of the comparison
   */
  show(session, { width, height, maskBox, outputBox }) {
    const boxes = { mask: maskBox, output: outputBox };
    for (const name of NAMES) {
      withMemory(session.compared_memory(name), (memory) =>
        this.#panels[name].putPixels(memory, width, height, [boxes[name]]),
      );
    }
  }
}
