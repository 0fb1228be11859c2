/**
 * The page's end of the worker: a live view that takes frames one at a time.
 *
 * @example
 * const view = new LiveView({ input, mask, output });    // three <canvas> elements
 * view.on("frame", (report) => console.log(report.updateRatio));
 * await view.ready;
 * view.newStream();
 * view.send({ synthetic: "synthetic-pan", index: 0, width: 640, height: 360 });
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { TypedEventTarget } from "../calls/typed_event_target.mjs";
import { WorkerCalls } from "../calls/worker_calls.mjs";
import { PageCanvases, transferred } from "./page_canvases.mjs";

/** @import { OnProgress } from "../calls/call_types.mjs" */
/** @import { Route } from "../calls/routed_fetch.mjs" */
/** @import { LoadOutcome, ModelRequest } from "../model/model_request.mjs" */
/** @import { PictureChoice } from "../panels/panel_picture.mjs" */
/** @import { PanelElements } from "./page_canvases.mjs" */
/** @import { CellList, ComparisonChoice, EncodedFrame, EncoderReady, EncoderStart, FileKind, Frame, FrameReport } from "./protocol.mjs" */
/** @import { GazedFrame, GazeFileOptions, LiveCalls, LiveWorkerEvents, OptionValues, RecordedFrame } from "./protocol.mjs" */

/** @typedef {{ step: string, loaded: number, total: number }} LoadProgress in bytes; `total` is 0 while unknown */
/** @typedef {{ message: string }} Message one sentence for the user */

/**
 * The events of a `LiveView`, by name, with the types of their details:
 *
 * - `progress`: Python is loading.
 * - `frame`: a frame of the current stream was processed and drawn.
 * - `redraw`: the last frame was drawn again, with newer cells or other options.
 * - `frame-error`: a frame of the current stream failed.
 * - `options-error`: options were refused; the old ones stay.
 * - `pixels-note`: the graphics card was wanted for the pixel work, and why the processor does it.
 * - `model-progress`: a model is loading.
 * - `model-ready`: a model chooses the cells from now on; `superseded` if another one has been requested since.
 * - `model-error`: a model could not be loaded.
 * - `model-note`: a model was loaded, but not as usual.
 * - `model-lost`: the GPU was lost; the model is being loaded again.
 * - `model-stopped`: the model failed; patch-diff chooses the cells.
 * - `encoder-progress`: the encoder is loading.
 * - `encoder-ready`: frames are encoded from now on.
 * - `encoder-frame`: a frame of the current stream was encoded.
 * - `encoder-failed`: frames are encoded no longer, or the encoder could not be loaded; the panels go on.
 * - `storage`: the size of all model files stored in this browser.
 * - `restart`: another worker is starting; the stream, model, hook and comparison have to be set again.
 *
 * @typedef {(
 *   Record<"progress" | "model-progress" | "encoder-progress", LoadProgress>
 *   & Record<"frame" | "redraw", FrameReport>
 *   & Record<"frame-error" | "options-error" | "pixels-note" | "model-error" | "model-note" | "model-lost" | "model-stopped", Message>
 *   & Record<"model-ready", { backend: string, superseded: boolean }>
 *   & Record<"encoder-ready", EncoderReady>
 *   & Record<"encoder-frame", EncodedFrame>
 *   & Record<"encoder-failed", Message>
 *   & Record<"storage", { bytes: number }>
 *   & Record<"restart", null>
 * )} LiveViewEvents
 */

/** @extends {TypedEventTarget<LiveViewEvents>} */
export class LiveView extends TypedEventTarget {
  /**
   * Resolves when frames can be sent; rejects with a sentence for the user if Python cannot start.
   * @type {Promise<void>}
   */
  ready;

  /** @type {WorkerCalls<LiveCalls>} */
  #calls;
  #siteUrl;
  #canvases;
  /** @type {OptionValues | undefined} */
  #options;
  #stream = 0;
  /** Number of the newest request for a model. */
  #load = 0;

  /**
   * @param {PanelElements} canvases
   * @param {string} [siteUrl] of the folder with `build.json`
   * @param {() => PanelElements} [freshCanvases] replaces the canvases of the page by new ones. The graphics card then
   *   draws on them itself where it does the pixel work.
   */
  constructor(canvases, siteUrl = new URL("../../", import.meta.url).href, freshCanvases) {
    super();
    this.#siteUrl = siteUrl;
    this.#canvases = new PageCanvases(freshCanvases);
    this.#calls = this.#newWorker();
    this.ready = this.#start(canvases);
  }

  /**
   * Terminates the worker, whatever it is doing, and starts another one with the same options. A `restart` event
   * follows: the stream, model, hook and comparison have to be set again.
   * @param {PanelElements} canvases new ones
   */
  restart(canvases) {
    this.#calls.terminate("Python is being started again: try it once more when it is there.");
    this.#canvases.forget();
    this.#calls = this.#newWorker();
    this.ready = this.#start(canvases);
    if (this.#options) this.setOptions(this.#options);
    this.emit("restart", null);
  }

  #newWorker() {
    return new WorkerCalls(new URL("live_worker.mjs", import.meta.url), {
      failure: "The page's worker could not start: reload the page, or use a newer browser.",
      onEvent: (event, detail) => this.#receive(/** @type {keyof LiveWorkerEvents} */ (event), detail),
    });
  }

  /** @param {PanelElements} elements */
  async #start(elements) {
    const calls = this.#calls;
    const canvases = transferred(elements);
    try {
      await calls.call(
        "start",
        { canvases, siteUrl: this.#siteUrl },
        {
          transfer: Object.values(canvases),
          onProgress: (step, loaded, total) => this.emit("progress", { step, loaded, total }),
        },
      );
    } catch (error) {
      calls.terminate(messageOf(error));
      throw error;
    }
  }

  /** @param {OptionValues} values */
  setOptions(values) {
    this.#options = values;
    this.#post("setOptions", { values });
  }

  /** Draws the last frame again with the current options and mask source; a `redraw` event follows. */
  redraw() {
    this.#post("redraw", null);
  }

  /** Makes the next frame a keyframe: the output takes the whole of it. */
  refresh() {
    this.#post("refresh", null);
  }

  /** Starts a new stream; no more events about frames of the old one follow. */
  newStream() {
    this.#stream += 1;
    this.#post("startStream", { stream: this.#stream });
  }

  /**
   * Transfers a frame to the worker. One `frame` or `frame-error` event follows.
   * @param {Frame} frame
   */
  async send(frame) {
    const [calls, stream] = [this.#calls, this.#stream];
    const transfer = "image" in frame ? [frame.image] : [];
    try {
      const report = await calls.call("frame", { stream, frame }, { transfer });
      if (report && stream === this.#stream) this.emit("frame", report);
      if (report) this.#look(calls);
    } catch (error) {
      if (!calls.ended && stream === this.#stream) this.emit("frame-error", { message: messageOf(error) });
    }
  }

  /**
   * Tells the worker if the page does not show what the graphics card drew. A hidden page is looked at once it is seen.
   * @param {WorkerCalls<LiveCalls>} calls
   */
  async #look(calls) {
    const shown = await this.#canvases.show().catch(() => false);
    if (!shown && calls === this.#calls) this.#post("screensFail", null);
  }

  /**
   * Loads a model, which chooses the cells once it is ready; until then nothing changes. `model-progress` and
   * `model-ready` or `model-error` events follow.
   * @param {ModelRequest} [request] the built-in model by default
   * @param {Route} [route] to hosts that the page's policy excludes
   */
  async loadModel(request = {}, route) {
    const calls = this.#calls;
    const load = ++this.#load;
    const superseded = () => load !== this.#load;
    try {
      const loaded = await calls.call(
        "loadModel",
        { request, route },
        {
          transfer: route ? [route.port] : [],
          onProgress: (step, done, total) =>
            superseded() || this.emit("model-progress", { step, loaded: done, total }),
        },
      );
      if (loaded) this.#modelReady(loaded, superseded());
    } catch (error) {
      if (!calls.ended && !superseded()) this.emit("model-error", { message: messageOf(error) });
    }
  }

  /**
   * Changes the limit on a frame's tokens without loading the model again, if the graphs in use are those for it. The
   * next frames have the tokens that they would have after a load.
   * @param {number} maxTokens 0 for the model's own limit
   * @returns {Promise<boolean>} false if the model has to be loaded for this limit, or none is in use
   */
  limitTokens(maxTokens) {
    return this.#calls.call("limitTokens", { maxTokens });
  }

  /** Ends the load of a model; partial downloads are stored for the next one. */
  cancelModel() {
    this.#post("cancelModel", null);
  }

  /** Frees the model; patch-diff chooses the cells. */
  unloadModel() {
    this.#post("unloadModel", null);
  }

  /** Deletes all stored model files; a model in use goes on working. */
  deleteStoredModels() {
    this.#post("deleteStoredModels", null);
  }

  /**
   * Encodes what AutoGaze gazes at, frame by frame, beside the panels, which never wait for it. `encoder-progress` and
   * `encoder-ready` events follow, then an `encoder-frame` event for each encoded frame; or `encoder-failed`. While it
   * is on, another call only changes `full`.
   * @param {Partial<EncoderStart>} [how] `full`: whether all patches are encoded, too
   */
  async startEncoder({ full = false, backend } = {}) {
    const calls = this.#calls;
    try {
      const onProgress = (/** @type {Parameters<OnProgress>} */ ...[step, loaded, total]) =>
        this.emit("encoder-progress", { step, loaded, total });
      await calls.call("startEncoder", { full, backend }, { onProgress });
    } catch (error) {
      if (!calls.ended) this.emit("encoder-failed", { message: messageOf(error) });
    }
  }

  /** Ends the encoder and frees all that it holds. */
  stopEncoder() {
    this.#post("stopEncoder", null);
  }

  /**
   * Records the panels of the next frames.
   * @param {number} frames
   * @param {{ fromStart?: boolean }} [options] `fromStart`: begin with the first frame of the next stream
   * @returns {Promise<RecordedFrame[]>}
   */
  record(frames, { fromStart = false } = {}) {
    return this.#calls.call("record", { frames, fromStart });
  }

  /**
   * A PNG of what the panels show now.
   * @param {PictureChoice} choice
   * @returns {Promise<Blob>}
   */
  picture(choice) {
    return this.#calls.call("picture", { choice });
  }

  /**
   * The cells of the last frame, in the order of choice.
   * @returns {Promise<CellList>}
   */
  cells() {
    return this.#calls.call("cells", null);
  }

  /**
   * The same with pictures of the frame and of the output after it; close them when done.
   * @returns {Promise<GazedFrame>}
   */
  gazedFrame() {
    return this.#calls.call("gazedFrame", null);
  }

  /**
   * The bytes of a file about the frames of this stream.
   * @param {FileKind} kind
   * @param {{ name: string, width: number, height: number, framesPerSecond: number | null }} video
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  file(kind, { framesPerSecond, ...video }) {
    const text = JSON.stringify({ ...video, frames_per_second: framesPerSecond });
    return this.#calls.call("file", { kind, video: text });
  }

  /**
   * The bytes of a file of the gaze at the frames of this stream, for vision encoders elsewhere (docs/encoder.md).
   * @param {GazeFileOptions} [request]
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   * @throws {Error} if the request is wrong, or there is no frame yet
   */
  gazeFile(request = {}) {
    return this.#calls.call("gazeFile", { request });
  }

  /**
   * Runs a hook, Python, on every frame from now on.
   * @param {string} code empty for no hook
   * @returns {Promise<{ problem: string, line: number | null }>} with a problem the old hook stays
   */
  setHook(code) {
    return this.#calls.call("setHook", { code });
  }

  /**
   * Resolves at once unless the worker is stuck: then when it goes on.
   * @throws {Error} if Python has ended
   */
  async ping() {
    await this.#calls.call("ping", null);
  }

  /** @returns {Promise<string[]>} file names of the package's modules that are shown, in the order a frame passes them */
  modules() {
    return this.#calls.call("modules", null);
  }

  /**
   * @param {string} module file name of one of the package's modules that are shown
   * @returns {Promise<string>} its text
   */
  source(module) {
    return this.#calls.call("source", { module });
  }

  /**
   * Hands a picture of every frame from now on to a recording, until that ends it.
   * @param {MessagePort} port of the recording, see `FromRecording` in `frame_tap.mjs`
   * @param {PictureChoice} choice
   */
  tap(port, choice) {
    this.#post("startTap", { port, choice }, [port]);
  }

  /** Hands over no more pictures. */
  untap() {
    this.#post("endTap", null);
  }

  /**
   * Has another mask source work on the same frames as a model; reports have its numbers as `compared`.
   * @param {ComparisonChoice | null} how null ends it
   * @param {{ mask: HTMLCanvasElement, output: HTMLCanvasElement }} [elements] to draw on, the first time
   */
  compare(how, elements) {
    const canvases = elements && {
      mask: elements.mask.transferControlToOffscreen(),
      output: elements.output.transferControlToOffscreen(),
    };
    this.#post("compare", { how, canvases }, canvases && Object.values(canvases));
  }

  /** Ends the worker and frees all it holds. */
  close() {
    this.#calls.terminate("This live view was closed.");
  }

  /**
   * @template {keyof LiveWorkerEvents} Name
   * @param {Name} event
   * @param {any} detail
   */
  #receive(event, detail) {
    if (event === "redraw") {
      if (detail.stream === this.#stream) this.emit("redraw", detail.report);
    } else if (event === "encoder-frame") {
      if (detail.stream === this.#stream) this.emit("encoder-frame", detail.frame);
    } else if (event === "canvases-wanted") {
      const canvases = this.#canvases.renew(detail.drawn);
      this.#post("takeCanvases", { canvases }, Object.values(canvases ?? {}));
    } else if (event === "model-ready") this.#modelReady(detail, false);
    else this.emit(event, detail);
  }

  /**
   * @param {LoadOutcome} loaded
   * @param {boolean} superseded
   */
  #modelReady({ backend, notes }, superseded) {
    this.emit("model-ready", { backend, superseded });
    for (const message of notes) this.emit("model-note", { message });
  }

  /**
   * Makes a call that has no answer; if it fails, the worker has ended, which `ready` reports.
   * @template {keyof LiveCalls} Name
   * @param {Name} name
   * @param {Parameters<LiveCalls[Name]>[0]} args
   * @param {Transferable[]} [transfer]
   */
  #post(name, args, transfer) {
    this.#calls.call(name, args, { transfer }).catch(() => {});
  }
}
