/**
 * The panels of a live view: frames are brought to what does the pixel work, Python or the graphics card, and all
 * three panels show the frame that was processed last.
 * @module
 */

import { ComparedPanels } from "../panels/compared_panels.mjs";
import { FrameCopier } from "../panels/frame_copy.mjs";
import { PanelCanvas } from "../panels/panel_canvas.mjs";
import { withMemory, withMemoryUntil } from "../python/python_memory.mjs";
import { copyRows } from "../python/rgba_rows.mjs";

/** @import { LivePlane } from "./live_plane.mjs" */
/** @import { ShownPanels } from "./shown_panels.mjs" */
/** @import { ComparedCanvases, ComparisonChoice, Frame, FrameReport, RecordedFrame } from "./protocol.mjs" */

export class LivePanels {
  #session;
  #plane;
  #shown;
  #copier = new FrameCopier();
  /** Where the pixels of frames that are not copied are read: they are shown once the frame has been processed. */
  #reader = new PanelCanvas(new OffscreenCanvas(1, 1), { ground: "black" });
  /** What is copied for the graphics card. @type {Uint8ClampedArray<ArrayBuffer>} */
  #rows = new Uint8ClampedArray(0);
  /** Where the graphics card takes frames that are not copied. */
  #scaler = new PanelCanvas(new OffscreenCanvas(1, 1), { ground: "black" });
  /** @type {ComparedPanels | undefined} */
  #compared;
  #comparing = false;

  /**
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {ShownPanels} shown on the page
   * @param {LivePlane} plane
   */
  constructor(session, shown, plane) {
    this.#session = session;
    this.#shown = shown;
    this.#plane = plane;
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
   * Brings a frame to what does the pixel work.
   * @param {Frame} frame
   */
  async take(frame) {
    const { width, height } = frame;
    const { gpu } = this.#plane;
    if ("image" in frame && gpu) {
      this.#session.expect_frame(height, width);
      const draw = () => this.#reader.drawImage(frame.image, width, height, frame.mirror);
      const copied =
        this.#copier.takes(frame.image, frame) &&
        (await this.#copier.copy(frame.image, frame, this.#rowsFor(4 * width * height), draw));
      if (!copied) this.#scaler.draw(frame.image, width, height, frame.mirror);
      await this.#plane.wait(gpu.receive(copied ? this.#rows : this.#scaler.canvas, height, width));
    } else if ("image" in frame) {
      this.#rowsFor(0);
      const draw = () => this.#reader.drawImage(frame.image, width, height, frame.mirror);
      const copied = await withMemoryUntil(this.#session.frame_memory(height, width), (memory) =>
        this.#copier.copy(frame.image, frame, memory, draw),
      );
      // A copy can take a while, in which Python may get another memory.
      if (!copied) withMemory(this.#session.frame_memory(height, width), (memory) => memory.set(draw()));
    } else if (gpu) {
      this.#session.draw_synthetic(frame.synthetic, frame.index, height, width);
      const rows = withMemory(this.#session.frame_memory(height, width), (memory) => memory.slice());
      await this.#plane.wait(gpu.receive(rows, height, width));
    } else {
      this.#session.draw_synthetic(frame.synthetic, frame.index, height, width);
    }
  }

  /** @param {number} bytes */
  #rowsFor(bytes) {
    if (this.#rows.byteLength !== bytes) this.#rows = new Uint8ClampedArray(bytes);
    return this.#rows;
  }

  /**
   * Shows a frame and what was drawn of it.
   * @param {FrameReport} report
   */
  async show({ width, height, maskParts, outputParts, compared }) {
    const { gpu } = this.#plane;
    if (gpu) {
      await this.#shown.forGpu(gpu);
      await this.#plane.wait(this.#shown.showGpu(gpu, width, height));
      return;
    }
    const { input, mask, output } = await this.#shown.inMemory();
    withMemory(this.#session.input_memory(), (memory) => input.putPixels(memory, width, height));
    withMemory(this.#session.mask_memory(), (memory) => mask.putPixels(memory, width, height, maskParts));
    withMemory(this.#session.output_memory(), (memory) =>
      output.putPixels(memory, width, height, outputParts),
    );
    if (compared && this.#comparing) this.#compared?.show(this.#session, compared);
  }

  /** What they show may not be what was drawn last: the next frame is shown whole. */
  forget() {
    this.#shown.forget();
  }

  /** The panels as they are, to be drawn on other canvases. */
  pictures() {
    return this.#plane.wait(this.#shown.pictures(this.#plane.gpu));
  }

  /** Pictures of the last frame and of the output after it. */
  async bitmaps() {
    const panels = await this.pictures();
    const [input, output] = await Promise.all(
      [panels.input, panels.output].map(({ canvas }) => createImageBitmap(canvas)),
    );
    return { input: /** @type {ImageBitmap} */ (input), output: /** @type {ImageBitmap} */ (output) };
  }

  /**
   * A copy of a processed frame's panels.
   * @param {FrameReport} report
   * @returns {Promise<RecordedFrame>}
   */
  async copy(report) {
    const { gpu } = this.#plane;
    if (gpu) {
      const names = /** @type {const} */ (["frame", "mask", "output"]);
      const reading = Promise.all(names.map((name) => gpu.readBack(name)));
      const [input, mask, output] = /** @type {[Uint8ClampedArray, Uint8ClampedArray, Uint8ClampedArray]} */ (
        await this.#plane.wait(reading)
      );
      return { report, input, mask, output };
    }
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
