/**
 * Processes the frames of one stream after another: each is brought to Python, gets its cells and is drawn.
 * @module
 */

import { parseReport } from "./frame_report.mjs";
import { PanelRecorder } from "./panel_recorder.mjs";

/** @import { Serializer } from "../calls/serializer.mjs" */
/** @import { ModelHost } from "../model/model_host.mjs" */
/** @import { FrameTap } from "../panels/frame_tap.mjs" */
/** @import { LivePanels } from "./live_panels.mjs" */
/** @import { Frame, FrameReport } from "./protocol.mjs" */

export class FrameLoop {
  /** Copies frames' panels. */
  recorder = new PanelRecorder();
  /** Hands frames to a recording, if there is one. @type {FrameTap | undefined} */
  tap;

  #session;
  #host;
  #panels;
  #serializer;
  /** The stream that the page wants; frames of other streams are dropped. */
  #stream = 0;
  /** The stream that Python has started. */
  #startedStream = 0;

  /**
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {ModelHost} host
   * @param {LivePanels} panels
   * @param {Serializer} serializer runs frames, and anything that must not run during a frame, one at a time
   */
  constructor(session, host, panels, serializer) {
    this.#session = session;
    this.#host = host;
    this.#panels = panels;
    this.#serializer = serializer;
  }

  /** The stream that Python's answers are about. */
  get startedStream() {
    return this.#startedStream;
  }

  /** @param {number} stream number of the stream to which the next frames belong */
  startStream(stream) {
    this.#stream = stream;
  }

  /**
   * Processes and draws a frame, after those before it.
   * @param {number} stream number of the stream to which the frame belongs
   * @param {Frame} frame its image is closed afterwards
   * @param {() => void} onProcessed called when Python has processed it
   * @returns {Promise<FrameReport | null>} null if another stream has started
   */
  process(stream, frame, onProcessed) {
    return this.#serializer.run(async () => {
      try {
        return await this.#process(stream, frame, onProcessed);
      } finally {
        if ("image" in frame) frame.image.close();
      }
    });
  }

  /**
   * Draws the last frame again.
   * @param {boolean} changed whether the options or the mask source changed; otherwise it is redrawn only for newer cells
   * @param {() => void} onStart called when the redraw starts; later requests need another one
   * @returns {Promise<{ stream: number, report: FrameReport } | null>} null if there was nothing to draw
   */
  redraw(changed, onStart) {
    return this.#serializer.run(async () => {
      onStart();
      if (this.#stream !== this.#startedStream) return null;
      const text = await this.#session.redraw(changed);
      // The model may have taken a while: check the stream again.
      if (!text || this.#stream !== this.#startedStream) return null;
      const report = parseReport(text);
      this.#panels.show(report);
      report.workerMs = { capture: 0, draw: 0 };
      return { stream: this.#stream, report };
    });
  }

  /**
   * @param {number} stream
   * @param {Frame} frame
   * @param {() => void} onProcessed
   */
  async #process(stream, frame, onProcessed) {
    if (stream !== this.#stream) return null;
    if (stream !== this.#startedStream) this.#restart();
    const model = this.#host.model;
    const begun = performance.now();
    this.#panels.take(frame);
    this.#session.still = "image" in frame && frame.still === true;
    const captured = performance.now();
    const position = "image" in frame ? frame.position : undefined;
    const place = [position?.time, position?.loop ?? 0];
    const text = model ? await this.#session.process_with_model(...place) : this.#session.process(...place);
    const report = parseReport(text);
    report.still = this.#session.still;
    if (stream !== this.#stream) return null;
    onProcessed();
    const processed = performance.now();
    this.#panels.show(report);
    report.workerMs = { capture: captured - begun, draw: performance.now() - processed };
    if (this.#host.model) report.runner = { ...this.#host.model.runner.counters };
    this.recorder.add(() => this.#panels.copy(report));
    if (this.tap && !this.tap.ended) await this.tap.take(this.#panels, position, report);
    return report;
  }

  #restart() {
    this.#startedStream = this.#stream;
    this.recorder.streamStarts();
    this.#session.restart();
  }
}
