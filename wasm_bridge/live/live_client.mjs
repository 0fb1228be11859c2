/**
 * The page's end of the worker: a live view that takes frames one at a time.
 *
 * @example
 * const view = new LiveView({ input, mask, output });    // three <canvas> elements
 * view.on("frame", (report) => console.log(report.update_ratio));
 * await view.ready;
 * view.newStream();
 * view.send({ synthetic: "synthetic-pan", index: 0, width: 640, height: 360 });
 * @module
 */

import { startWorker } from "../calls/start_worker.mjs";
import { TypedEventTarget } from "../calls/typed_event_target.mjs";

/** @typedef {import("./protocol.mjs").Frame} Frame */
/** @typedef {import("./protocol.mjs").FrameReport} FrameReport */
/** @typedef {import("./protocol.mjs").FromWorker} FromWorker */
/** @typedef {import("./protocol.mjs").OptionValues} OptionValues */
/** @typedef {import("./protocol.mjs").RecordedFrame} RecordedFrame */
/** @typedef {import("./protocol.mjs").ToWorker} ToWorker */

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
 * - `model-progress`: a model is loading.
 * - `model-ready`: a model chooses the cells from now on; `superseded` if another one has been requested since.
 * - `model-error`: a model could not be loaded.
 * - `model-note`: a model was loaded, but not as usual.
 * - `model-lost`: the GPU was lost; the model is being loaded again.
 * - `model-stopped`: the model failed; patch-diff chooses the cells.
 * - `storage`: the size of all model files stored in this browser.
 * - `restart`: another worker is starting; the stream, model, hook and comparison have to be set again.
 *
 * @typedef {(
 *   Record<"progress" | "model-progress", LoadProgress>
 *   & Record<"frame" | "redraw", FrameReport>
 *   & Record<"frame-error" | "options-error" | "model-error" | "model-note" | "model-lost" | "model-stopped", Message>
 *   & Record<"model-ready", { backend: string, superseded: boolean }>
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

  /** @type {Worker} */
  #worker;
  #siteUrl;
  /** @type {OptionValues | undefined} */
  #options;
  #stream = 0;
  #load = 0;
  /** @type {(frames: RecordedFrame[]) => void} */
  #onRecorded = () => {};
  /** @type {Map<number, { resolve: (value: any) => void, reject: (reason: Error) => void }>} */
  #questions = new Map();
  #asked = 0;

  /**
   * @param {{ input: HTMLCanvasElement, mask: HTMLCanvasElement, output: HTMLCanvasElement }} canvases
   * @param {string} [siteUrl] of the folder with `build.json`
   */
  constructor(canvases, siteUrl = new URL("../../", import.meta.url).href) {
    super();
    this.#siteUrl = siteUrl;
    this.#worker = startWorker(new URL("live_worker.mjs", import.meta.url));
    this.ready = this.#start(canvases);
  }

  /**
   * Terminates the worker, whatever it is doing, and starts another one with the same options. A `restart` event
   * follows: the stream, model, hook and comparison have to be set again.
   * @param {{ input: HTMLCanvasElement, mask: HTMLCanvasElement, output: HTMLCanvasElement }} canvases fresh ones
   */
  restart(canvases) {
    this.close();
    for (const { reject } of this.#questions.values())
      reject(new Error("Python is being started again: try it once more when it is there."));
    this.#questions.clear();
    this.#worker = startWorker(new URL("live_worker.mjs", import.meta.url));
    this.ready = this.#start(canvases);
    if (this.#options) this.setOptions(this.#options);
    this.emit("restart", null);
  }

  /** @param {{ input: HTMLCanvasElement, mask: HTMLCanvasElement, output: HTMLCanvasElement }} canvases */
  #start(canvases) {
    const panels = {
      input: canvases.input.transferControlToOffscreen(),
      mask: canvases.mask.transferControlToOffscreen(),
      output: canvases.output.transferControlToOffscreen(),
    };
    this.#post({ type: "start", panels, siteUrl: this.#siteUrl }, Object.values(panels));
    return /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        this.#worker.onmessage = ({ data }) => this.#receive(data, resolve, reject);
        this.#worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error("The page's worker could not start: reload the page, or use a newer browser."));
        };
      })
    );
  }

  /** @param {OptionValues} values */
  setOptions(values) {
    this.#options = values;
    this.#post({ type: "options", values });
  }

  /** Draws the last frame again with the current options and mask source; a `redraw` event follows. */
  redraw() {
    this.#whenReady({ type: "again" });
  }

  /** Starts a new stream; no more events about frames of the old one follow. */
  newStream() {
    this.#stream += 1;
    this.#post({ type: "stream", stream: this.#stream });
  }

  /**
   * Transfers a frame to the worker. One `frame` or `frame-error` event follows.
   * @param {Frame} frame
   */
  send(frame) {
    this.#post({ type: "frame", stream: this.#stream, frame }, "image" in frame ? [frame.image] : []);
  }

  /**
   * Loads a model, which chooses the cells once it is ready; until then nothing changes.
   * @param {import("./protocol.mjs").ModelRequest} request
   */
  loadModel(request) {
    this.#load += 1;
    this.#whenReady({ type: "model-load", load: this.#load, request });
  }

  /** Ends the load of a model; what has arrived of its files is kept for the next time. */
  cancelModel() {
    this.#whenReady({ type: "model-cancel" });
  }

  /** Frees the model; patch-diff chooses the cells. */
  unloadModel() {
    this.#whenReady({ type: "model-unload" });
  }

  /** Deletes all model files that are kept; a model in use goes on working. */
  deleteStoredModels() {
    this.#post({ type: "storage-delete" });
  }

  /**
   * Keeps the next frames' panels as they are processed.
   * @param {number} frames
   * @param {{ fromStart?: boolean }} [when] `fromStart`: those of the next stream, from its first frame on
   * @returns {Promise<RecordedFrame[]>}
   */
  record(frames, { fromStart = false } = {}) {
    return new Promise((resolve) => {
      this.#onRecorded = resolve;
      this.#post({ type: "record", frames, fromStart });
    });
  }

  /**
   * A PNG of what the panels show now.
   * @param {import("./protocol.mjs").PictureChoice} choice
   * @returns {Promise<Blob>}
   */
  picture(choice) {
    return this.#ask({ type: "picture", number: 0, choice });
  }

  /**
   * The bytes of a file about the frames of this stream.
   * @param {import("./protocol.mjs").FileKind} kind
   * @param {{ name: string, width: number, height: number, frames_per_second: number | null }} video
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  file(kind, video) {
    return this.#ask({ type: "file", number: 0, kind, video: JSON.stringify(video) });
  }

  /**
   * Runs a hook, Python, on every frame from now on.
   * @param {string} code empty for no hook
   * @returns {Promise<{ problem: string, line: number | null }>} with a problem the hook stays as it was
   */
  setHook(code) {
    return this.#ask({ type: "hook", number: 0, code });
  }

  /** Resolves at once unless the worker is stuck: then when it goes on. */
  async ping() {
    await this.#ask({ type: "ping", number: 0 });
  }

  /** @returns {Promise<string[]>} file names of the package's modules that are shown, in the order of a frame's way */
  modules() {
    return this.#ask({ type: "modules", number: 0 });
  }

  /**
   * @param {string} module file name of one of the package's modules that are shown
   * @returns {Promise<string>} its text
   */
  source(module) {
    return this.#ask({ type: "source", number: 0, module });
  }

  /**
   * Hands a picture of every frame from now on to a recording, until that ends it.
   * @param {MessagePort} port of the recording, see `FromRecording` in `protocol.mjs`
   * @param {import("./protocol.mjs").PictureChoice} choice
   */
  tap(port, choice) {
    this.#post({ type: "tap", port, choice }, [port]);
  }

  /**
   * Has patch-diff work on the same frames as a model, or no more; reports have its numbers as `compared`.
   * @param {boolean} wanted
   * @param {{ mask: HTMLCanvasElement, output: HTMLCanvasElement }} [canvases] to draw on, the first time
   */
  compare(wanted, canvases) {
    const panels = canvases && {
      mask: canvases.mask.transferControlToOffscreen(),
      output: canvases.output.transferControlToOffscreen(),
    };
    this.#post({ type: "compare", wanted, panels }, panels ? Object.values(panels) : []);
  }

  /** Hands over no more pictures. */
  untap() {
    this.#post({ type: "untap" });
  }

  /** Ends the worker and frees all it holds. */
  close() {
    this.#worker.terminate();
  }

  /**
   * @param {FromWorker} message
   * @param {(value: void) => void} ready
   * @param {(reason: Error) => void} failed
   */
  #receive(message, ready, failed) {
    switch (message.type) {
      case "progress":
        this.emit("progress", message);
        break;
      case "ready":
        ready();
        break;
      case "done":
        if (message.stream === this.#stream) this.emit("frame", message.report);
        break;
      case "repeated":
        if (message.stream === this.#stream) this.emit("redraw", message.report);
        break;
      case "answer":
        this.#answered(message);
        break;
      case "recorded":
        this.#onRecorded(message.frames);
        break;
      case "model-progress":
        if (message.load === this.#load) this.emit("model-progress", message);
        break;
      case "model-ready":
        this.emit("model-ready", { backend: message.backend, superseded: message.load !== this.#load });
        break;
      case "model-fault":
        if (message.load === this.#load) this.emit("model-error", message);
        break;
      case "model-lost":
      case "model-stopped":
      case "model-note":
      case "storage":
        this.emit(message.type, message);
        break;
      case "start-fault":
        this.close();
        failed(new Error(message.message));
        break;
      case "options-fault":
        this.emit("options-error", message);
        break;
      case "frame-fault":
        if (message.stream === this.#stream) this.emit("frame-error", message);
        break;
    }
  }

  /**
   * @param {import("./protocol.mjs").Question} question
   * @returns {Promise<any>}
   */
  #ask(question) {
    const number = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#questions.set(number, { resolve, reject });
      this.#post({ ...question, number });
    });
  }

  /** @param {{ number: number, value?: any, problem?: string }} answer */
  #answered({ number, value, problem }) {
    const question = this.#questions.get(number);
    this.#questions.delete(number);
    if (problem === undefined) question?.resolve(value);
    else question?.reject(new Error(problem));
  }

  /**
   * What concerns a model waits for Python, which would not know it yet.
   * @param {ToWorker} message
   */
  #whenReady(message) {
    this.ready.then(
      () => this.#post(message),
      () => {}, // told by `ready` itself
    );
  }

  /**
   * @param {ToWorker} message
   * @param {Transferable[]} [transfer]
   */
  #post(message, transfer = []) {
    this.#worker.postMessage(message, transfer);
  }
}
