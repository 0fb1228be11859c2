/**
 * The page's end of the worker: a live view that is given frames one at a time.
 *
 * @example
 * const view = new LiveView({ input, mask, output });    // three <canvas> elements
 * view.onDone = (report) => console.log(report.update_ratio);
 * await view.ready;
 * view.newStream();
 * view.send({ synthetic: "synthetic-pan", index: 0, width: 640, height: 360 });
 * @module
 */

import { startWorker } from "../calls/start_worker.mjs";

/** @typedef {import("./protocol.mjs").Frame} Frame */
/** @typedef {import("./protocol.mjs").FrameReport} FrameReport */
/** @typedef {import("./protocol.mjs").FromWorker} FromWorker */
/** @typedef {import("./protocol.mjs").OptionValues} OptionValues */
/** @typedef {import("./protocol.mjs").RecordedFrame} RecordedFrame */
/** @typedef {import("./protocol.mjs").ToWorker} ToWorker */

export class LiveView {
  /** Called with bytes while Python loads. @type {(step: string, loaded: number, total: number) => void} */
  onProgress = () => {};
  /** Called when a frame of the present stream has been processed and drawn. @type {(report: FrameReport) => void} */
  onDone = () => {};
  /** Called when a frame that stands still was drawn once more, with newer cells. @type {(report: FrameReport) => void} */
  onRepeated = () => {};
  /** Called with a sentence when a frame of the present stream failed. @type {(message: string) => void} */
  onFrameFault = () => {};
  /** Called with a sentence when options were refused. @type {(message: string) => void} */
  onOptionsFault = () => {};

  /** Called with bytes while a model loads. @type {(step: string, loaded: number, total: number) => void} */
  onModelProgress = () => {};
  /**
   * Called when a model chooses the cells from now on; `replaced` if another one has been asked for since.
   * @type {(backend: string, replaced: boolean) => void}
   */
  onModelReady = () => {};
  /** Called with a sentence when a model could not be loaded. @type {(message: string) => void} */
  onModelFault = () => {};
  /** Called with a sentence about a load that did not go as usual. @type {(message: string) => void} */
  onModelNote = () => {};

  /** Called with a sentence when the GPU went away; the model is loaded again. @type {(message: string) => void} */
  onModelLost = () => {};
  /** Called with a sentence when the model failed; patch-diff chooses the cells. @type {(message: string) => void} */
  onModelStopped = () => {};
  /** Called with the bytes of all model files that are kept. @type {(bytes: number) => void} */
  onStorage = () => {};

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
    this.#siteUrl = siteUrl;
    this.#worker = startWorker(new URL("live_worker.mjs", import.meta.url));
    this.ready = this.#start(canvases);
  }

  /**
   * Ends the worker, whatever it does, and starts another one. It has the same options; a new stream, a model,
   * a hook and a comparison have to be asked for again.
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

  /** Shows the last frame once more, as options and mask source are now; `onRepeated` follows. */
  showAgain() {
    this.#whenReady({ type: "again" });
  }

  /** Begins a new stream; what is still to come of the old one is not reported. */
  newStream() {
    this.#stream += 1;
    this.#post({ type: "stream", stream: this.#stream });
  }

  /**
   * Gives a frame to the worker, and its image away. One `onDone` or `onFrameFault` follows.
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
        this.onProgress(message.step, message.loaded, message.total);
        break;
      case "ready":
        ready();
        break;
      case "done":
        if (message.stream === this.#stream) this.onDone(message.report);
        break;
      case "repeated":
        if (message.stream === this.#stream) this.onRepeated(message.report);
        break;
      case "answer":
        this.#answered(message);
        break;
      case "recorded":
        this.#onRecorded(message.frames);
        break;
      case "model-progress":
        if (message.load === this.#load) this.onModelProgress(message.step, message.loaded, message.total);
        break;
      case "model-ready":
        this.onModelReady(message.backend, message.load !== this.#load);
        break;
      case "model-fault":
        if (message.load === this.#load) this.onModelFault(message.message);
        break;
      case "model-lost":
        this.onModelLost(message.message);
        break;
      case "model-stopped":
        this.onModelStopped(message.message);
        break;
      case "storage":
        this.onStorage(message.bytes);
        break;
      case "model-note":
        this.onModelNote(message.message);
        break;
      case "start-fault":
        this.close();
        failed(new Error(message.message));
        break;
      case "options-fault":
        this.onOptionsFault(message.message);
        break;
      case "frame-fault":
        if (message.stream === this.#stream) this.onFrameFault(message.message);
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
