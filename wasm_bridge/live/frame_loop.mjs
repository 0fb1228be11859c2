/**
 * Processes the frames of one stream after another: each is brought to Python, gets its cells and is drawn.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { begun } from "../python/begun.mjs";
import { parseReport } from "./frame_report.mjs";
import { PanelRecorder } from "./panel_recorder.mjs";

/** @import { Serializer } from "../calls/serializer.mjs" */
/** @import { LoadedModel } from "../model/loaded_model.mjs" */
/** @import { ModelHost } from "../model/model_host.mjs" */
/** @import { FrameTap } from "../panels/frame_tap.mjs" */
/** @import { LivePanels } from "./live_panels.mjs" */
/** @import { LivePlane } from "./live_plane.mjs" */
/** @import { FilePosition } from "../panels/recording_clock.mjs" */
/** @import { Frame, FrameReport } from "./protocol.mjs" */

export class FrameLoop {
  /** Copies frames' panels. */
  recorder = new PanelRecorder();
  /** Hands frames to a recording, if there is one. @type {FrameTap | undefined} */
  tap;

  #session;
  #host;
  #panels;
  #plane;
  #serializer;
  /** The stream that the page wants; frames of other streams are dropped. */
  #stream = 0;
  /** The stream that Python has started. */
  #startedStream = 0;

  /**
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {ModelHost} host
   * @param {LivePanels} panels
   * @param {LivePlane} plane
   * @param {Serializer} serializer runs frames, and anything that must not run during a frame, one at a time
   */
  constructor(session, host, panels, plane, serializer) {
    this.#session = session;
    this.#host = host;
    this.#panels = panels;
    this.#plane = plane;
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
      await this.#plane.settleForRedraw();
      const text = await this.#orWithoutGpu(
        () => this.#session.redraw(changed),
        async () => null,
      );
      // The model may have taken a while: check the stream again.
      if (this.#stream !== this.#startedStream) return null;
      if (!text) {
        // Python draws whatever has changed, unless it has nothing to draw.
        if (changed) this.#plane.tellOfLostFrame();
        return null;
      }
      const report = parseReport(text);
      await this.#show(report);
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
    const begun = performance.now();
    const position = "image" in frame ? frame.position : undefined;
    await this.#plane.settle(frame.height, frame.width);
    let captured = begun;
    const process = async (/** @type {boolean} */ again) => {
      await this.#panels.take(frame);
      this.#session.still = "image" in frame && frame.still === true;
      captured = performance.now();
      return this.#mask([position?.time, position?.loop ?? 0], again);
    };
    const report = parseReport(
      await this.#orWithoutGpu(
        () => process(false),
        () => process(true),
      ),
    );
    report.still = this.#session.still;
    if (position) report.time = position.time;
    report.pixels = this.#plane.gpu ? "gpu" : "cpu";
    if (this.#plane.failure) report.pixelsFailure = messageOf(this.#plane.failure);
    if (stream !== this.#stream) return null;
    onProcessed();
    const processed = performance.now();
    await this.#show(report);
    report.workerMs = { capture: captured - begun, draw: performance.now() - processed };
    if (this.#host.model) report.runner = { ...this.#host.model.runner.counters };
    await this.#record(report);
    await this.#hand(report, position);
    return report;
  }

  /**
   * Has Python process the frame that was taken.
   * @param {[time: number | undefined, loop: number]} place of the frame in its file
   * @param {boolean} again whether it was lost with the graphics card
   * @returns {string | Promise<string>} its report
   */
  #mask(place, again) {
    const session = this.#session;
    if (this.#host.model) return this.#maskWithModel(this.#host.model, place, again);
    return this.#plane.gpu
      ? begun((answer) => session.begin_on_gpu(answer, ...place))
      : session.process(...place);
  }

  /**
   * @param {LoadedModel} model
   * @param {[time: number | undefined, loop: number]} place
   * @param {boolean} again
   * @returns {Promise<string>}
   */
  async #maskWithModel({ runner }, place, again) {
    const session = this.#session;
    // The first run is enough: what can be done is done then.
    runner.onWait = () => {
      runner.onWait = undefined;
      session.use_wait();
    };
    try {
      return await begun((answer) => session.begin_with_model(answer, ...place, again));
    } finally {
      runner.onWait = undefined;
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @param {() => Promise<T>} instead if the graphics card failed at it: Python has the pixels then
   */
  async #orWithoutGpu(work, instead) {
    try {
      return await work();
    } catch (error) {
      if (!this.#plane.fallBack(error)) throw error;
      return instead();
    }
  }

  /**
   * Shows a frame; without the graphics card that drew it, the panels stay until the next one.
   * @param {FrameReport} report
   */
  #show(report) {
    return this.#orWithoutGpu(
      () => this.#panels.show(report),
      async () => {},
    );
  }

  /**
   * Copies a frame's panels if they are wanted, and if they are still where they were drawn.
   * @param {FrameReport} report
   */
  async #record(report) {
    if (report.pixels === "gpu" && !this.#plane.gpu) return;
    await this.#orWithoutGpu(
      () => this.recorder.add(() => this.#panels.copy(report)),
      async () => {},
    );
  }

  /**
   * Hands a frame's panels to the recording, if there is one and they are still where they were drawn.
   * @param {FrameReport} report
   * @param {FilePosition | undefined} position
   */
  async #hand(report, position) {
    const { tap } = this;
    if (!tap || tap.ended || (report.pixels === "gpu" && !this.#plane.gpu)) return;
    const pictures = await this.#orWithoutGpu(
      () => this.#panels.pictures(),
      async () => undefined,
    );
    if (pictures) await tap.take(pictures, position, report);
  }

  #restart() {
    // The last frame of the old stream may not have been shown.
    this.#panels.forget();
    this.#startedStream = this.#stream;
    this.recorder.streamStarts();
    this.#session.restart();
  }
}
