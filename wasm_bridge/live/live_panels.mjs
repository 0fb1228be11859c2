/**
 * The panels of a live view: frames are brought to Python, and all three panels show the frame that was processed last.
 * @module
 */

import { ComparedPanels } from "../panels/compared_panels.mjs";
import { PanelCanvas } from "../panels/panel_canvas.mjs";
import { withMemory } from "../python/python_memory.mjs";
import { copyRows } from "../python/rgba_rows.mjs";

/** @import { ComparedCanvases, ComparisonChoice, Frame, FrameReport, OffscreenPanels, RecordedFrame } from "./protocol.mjs" */

export class LivePanels {
  input;
  mask;
  output;
  #session;
  /** Where a frame's pixels are read: they are shown once the frame has been processed. */
  #reader = new PanelCanvas(new OffscreenCanvas(1, 1), { readable: true, ground: "black" });
  /** @type {ComparedPanels | undefined} */
  #compared;
  #comparing = false;

  /**
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {OffscreenPanels} canvases
   */
  constructor(session, canvases) {
    this.#session = session;
    this.input = new PanelCanvas(canvases.input);
    this.mask = new PanelCanvas(canvases.mask);
    this.output = new PanelCanvas(canvases.output);
  }

  /**
   * @param {ComparisonChoice | null} how what works on the same frames as a model; null for nothing
   * @param {ComparedCanvases} [canvases] to draw on, the first time
   */
  compare(how, canvases) {
    if (canvases) this.#compared = new ComparedPanels(canvases);
    this.#comparing = how !== null;
    this.#session.compare(how?.rival, how?.budget ?? "own");
  }

  /**
   * Writes a frame to Python's memory.
   * @param {Frame} frame
   */
  take(frame) {
    const { width, height } = frame;
    if ("image" in frame) {
      const pixels = this.#reader.drawImage(frame.image, width, height, frame.mirror);
      withMemory(this.#session.frame_memory(height, width), (memory) => memory.set(pixels));
    } else {
      this.#session.draw_synthetic(frame.synthetic, frame.index, height, width);
    }
  }

  /**
   * Shows a frame and what Python drew of it.
   * @param {FrameReport} report
   */
  show({ width, height, maskBox, outputBox, compared }) {
    withMemory(this.#session.input_memory(), (memory) => this.input.putPixels(memory, width, height));
    withMemory(this.#session.mask_memory(), (memory) => this.mask.putPixels(memory, width, height, maskBox));
    withMemory(this.#session.output_memory(), (memory) =>
      this.output.putPixels(memory, width, height, outputBox),
    );
    if (compared && this.#comparing) this.#compared?.show(this.#session, compared);
  }

  /** Pictures of the last frame and of the output after it. */
  async bitmaps() {
    const [input, output] = await Promise.all(
      [this.input, this.output].map(({ canvas }) => createImageBitmap(canvas)),
    );
    return { input: /** @type {ImageBitmap} */ (input), output: /** @type {ImageBitmap} */ (output) };
  }

  /**
   * A copy of a processed frame's panels.
   * @param {FrameReport} report
   * @returns {RecordedFrame}
   */
  copy(report) {
    const rows = (/** @type {any} */ array) =>
      withMemory(array, (memory) => copyRows(memory, report.width, report.height));
    const session = this.#session;
    return {
      report,
      input: rows(session.input_memory()),
      mask: rows(session.mask_memory()),
      output: rows(session.output_memory()),
    };
  }
}
