/**
 * Watches the page for the working size (`working_size.mjs`), where the options leave it to the page.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { Change, Size } from "./working_size.mjs" */

import { showToast } from "../page/toast.mjs";
import { frameSize, isAutomatic } from "./frame_size.mjs";
import { LARGEST_WIDTH, PROCESSOR_WIDTH, WorkingSize } from "./working_size.mjs";

// The steps of a load are told by progress; one that was cancelled is told by nothing.
const FRAMES_OF_A_LOAD = 300;

export class AutomaticSize {
  /** The size of a frame, from the options or from what the machine can do. */
  frameSize;

  #working = new WorkingSize();
  #settings;
  #onWidth;

  /**
   * @param {{ view: LiveView, settings: Settings }} page
   * @param {() => void} onWidth called when `sourceWidth` has changed by what was measured, not by an option
   */
  constructor({ view, settings }, onWidth) {
    this.#settings = settings;
    this.#onWidth = onWidth;
    this.frameSize = frameSize(settings.values, (width, height) => this.#size(width, height));
    const interrupt = () => this.#working.interrupt();
    const interruptLong = () => this.#working.interrupt(FRAMES_OF_A_LOAD);
    settings.on("change", interrupt);
    document.addEventListener("visibilitychange", interrupt);
    view.on("model-progress", interruptLong);
    view.on("encoder-progress", interruptLong);
    view.on("model-lost", interruptLong);
    for (const over of /** @type {const} */ ([
      "model-ready",
      "model-error",
      "encoder-ready",
      "encoder-failed",
    ]))
      view.on(over, () => this.#working.settle());
  }

  /** The width in pixels that a source with a choice should give; undefined if something else decides. */
  get sourceWidth() {
    if (!isAutomatic(this.#settings.values)) return undefined;
    return this.#standardWidth ?? (this.#working.isLarge ? LARGEST_WIDTH : PROCESSOR_WIDTH);
  }

  newSource() {
    this.#working.newSource();
  }

  /** The source starts, pauses or resumes. */
  interrupt() {
    this.#working.interrupt();
  }

  /** @param {boolean} held whether the size must not change, as during a recording */
  hold(held) {
    this.#working.hold(held);
  }

  /** The source has a new picture. */
  offered() {
    this.#working.offered(performance.now());
  }

  /**
   * A frame is shown. If a smaller size follows from its time, the page says so.
   * @param {FrameReport} report
   * @param {number} milliseconds from its capture to its end
   * @param {boolean} inRealTime whether the source goes on without waiting for frames
   */
  shown(report, milliseconds, inRealTime) {
    const { values } = this.#settings;
    const before = this.sourceWidth;
    const counts = inRealTime && !document.hidden && isAutomatic(values) && this.#standardWidth === undefined;
    const change = this.#working.shown({ report, milliseconds }, counts);
    if (change) showToast(sentence(change));
    if (this.sourceWidth !== before) this.#onWidth();
  }

  /** What is cut into tiles has one size, because the size says how many tiles there are. */
  get #standardWidth() {
    if (this.#settings.values.mode === "realtime") return undefined;
    return Number(this.#settings.option("inference-width").tiled_default);
  }

  /**
   * @param {number} width of the source's picture
   * @param {number} height
   */
  #size(width, height) {
    const standard = this.#standardWidth;
    if (standard === undefined) return this.#working.size(width, height);
    return { width: standard, height: (height * standard) / width };
  }
}

/** @param {Change} change */
function sentence({ from, to, interval }) {
  const rate = Math.round(1000 / interval);
  return `${sizeText(from)} is too large for ${rate} frames a second here: the stream goes on at ${sizeText(to)}.`;
}

/** @param {Size} size */
function sizeText({ width, height }) {
  return `${Math.round(width)}×${Math.round(height)}`;
}
