/**
 * Opens, starts, pauses and changes the source of frames, and pumps its frames into the live view.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Option } from "../settings/options.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { FileSource } from "./file_source.mjs" */
/** @import { SelectedMedia } from "./open_source.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { TypedEventTarget } from "../../wasm_bridge/autogaze.mjs";
import { element } from "../page/element.mjs";
import { hideNoticeOf, messageOf, showError, showNotice } from "../page/notice.mjs";
import { AutomaticSize } from "./automatic_size.mjs";
import { requestCamera } from "./camera.mjs";
import { mediaKind } from "./file_kind.mjs";
import { FramePump } from "./frame_pump.mjs";
import { openSource } from "./open_source.mjs";

// Shorter interruptions of a <video> are the browser's own.
const INTERRUPTED_MS = 1000;

const ASKING = "Waiting for your permission: allow the camera when the browser asks.";

/** @typedef {"asking" | "opening" | "running" | "paused" | "stopped" | "needs-file"} PlayerState */

/**
 * What a refused file goes back to: a source and what was selected for it, unless it cannot be opened again; of a file
 * the position in seconds, too.
 * @typedef {{ name: string, selected: SelectedMedia, returns: boolean, isPaused: boolean, time: number | undefined }} Before
 */

/**
 * Its events: `state`; `opening`, before another source is opened; `source`, when a source was opened or closed;
 * `position`, when the position in a file or what is known of the file has changed.
 * @extends {TypedEventTarget<{ state: PlayerState, opening: null, source: Source | undefined, position: FileSource }>}
 */
export class SourcePlayer extends TypedEventTarget {
  #view;
  #settings;
  #size;
  #workerReady = false;
  /** @type {PlayerState} */
  #state = "stopped";
  #name = "";
  /** @type {SelectedMedia} */
  #selected = {};
  /** @type {Source | undefined} */
  #source;
  /** @type {FramePump | undefined} */
  #pump;
  #attempt = new AbortController();
  /** While a file is opened, or what was there before it. @type {Before | undefined} */
  #before;
  /** Of the source that continues while the user is asked for the camera. @type {AbortSignal | undefined} */
  #asking;

  /** @param {{ view: LiveView, settings: Settings }} page */
  constructor({ view, settings }) {
    super();
    this.#view = view;
    this.#settings = settings;
    this.#size = new AutomaticSize({ view, settings }, () => this.#source?.adapt?.());
    view.on("frame", (report) => {
      this.#pump?.done();
      this.#size.shown(report, this.latency, this.#state === "running" && !this.playback?.everyFrame);
    });
    view.on("frame-error", ({ message }) => {
      this.#pump?.done();
      showNotice(message);
    });
    view.on("restart", () => this.#restart());
    settings.on("change", (names) => this.#followSettings(names));
    const video = element("video", HTMLVideoElement);
    video.addEventListener("pause", () => setTimeout(() => this.#checkPlaying(video), INTERRUPTED_MS));
    this.#awaitWorker();
  }

  /** @returns {PlayerState} */
  get state() {
    return this.#state;
  }

  /** The name of the source that was opened last. */
  get name() {
    return this.#name;
  }

  /** The name of the opened file, or of the source. */
  get title() {
    return this.#source?.title ?? this.#name;
  }

  /**
   * Whether a source needs a file that was neither selected nor named by an address.
   * @param {string} name of the source
   */
  needsFile(name) {
    if (name !== "file" && name !== "image") return false;
    return !this.#selected[name] && !this.#settings.values[name === "file" ? "video-url" : "image-url"];
  }

  /** Whether what is open stays on this machine: a file that was selected, a camera, a screen. */
  get isPrivate() {
    if (this.#name === "file" || this.#name === "image") return this.#selected[this.#name] !== undefined;
    return this.#name === "camera" || this.#name === "screen";
  }

  /** Milliseconds from the capture of the last frame to its end. */
  get latency() {
    return this.#pump?.latency ?? 0;
  }

  /** Frames of this source that were replaced by newer ones. */
  get replaced() {
    return this.#pump?.replaced ?? 0;
  }

  /** The id of the camera that is open; undefined for other sources. */
  get device() {
    return this.#source?.device;
  }

  /** Whether a file is open or being opened. */
  get hasFile() {
    const isOpening = this.#state === "opening" && (this.#name === "file" || this.#name === "sample");
    return isOpening || this.playback !== undefined;
  }

  /** The file that is open, to step and seek in; undefined for other sources. */
  get playback() {
    return this.#source?.playback;
  }

  /** Starts, pauses or resumes, whichever is next. */
  async toggle() {
    if (this.#state === "running") this.pause();
    else if (this.#state === "paused") {
      const source = this.#source;
      await source?.resume();
      if (source === this.#source && this.#state === "paused") this.#enter("running");
    } else if (this.#state === "stopped" || this.#state === "needs-file") {
      await this.open(this.#name);
    }
  }

  pause() {
    if (this.#state !== "running") return;
    this.#source?.pause();
    this.#enter("paused");
  }

  /**
   * Pauses if something else than the page has paused the video: a media key, an extension, a phone that saves power.
   * @param {HTMLVideoElement} video
   */
  #checkPlaying(video) {
    const shouldPlay = video.srcObject !== null || (video.src !== "" && !this.playback?.everyFrame);
    if (this.#state !== "running" || !shouldPlay || !video.paused || video.ended) return;
    this.pause();
    showNotice("The browser paused the video: press Start to go on.");
  }

  /** @param {boolean} held whether the size of the frames must not change by itself, as during a recording */
  holdSize(held) {
    this.#size.hold(held);
  }

  /** Draws a paused frame again, because options or the mask source have changed. */
  redrawIfPaused() {
    if (this.#state === "paused") this.#view.redraw();
  }

  /**
   * Opens a picture or a video instead of the current source, which is opened again if the file cannot be: paused if
   * it was paused, and a file where it was.
   * @param {File} file
   * @param {(name: string) => void} [onNamed] called with the name of each source that opens
   */
  async openFile(file, onNamed) {
    const name = (await mediaKind(file)) === "video" ? "file" : "image";
    // A file that is still being opened may be refused as well.
    const before = this.#before ?? this.#current();
    this.#selected = { ...before.selected, [name]: file };
    const opening = this.#tryOpen(name);
    this.#before = before;
    onNamed?.(name);
    const error = await opening;
    if (error === undefined) return;
    if (before.returns) await this.#return(before, error, onNamed);
    else showError(error);
  }

  /**
   * Opens again what was there before a file was refused.
   * @param {Before} before
   * @param {unknown} refusal why the file was refused, which is shown at once: a camera or an address can take long
   * @param {((name: string) => void) | undefined} onNamed
   */
  async #return(before, refusal, onNamed) {
    this.#selected = before.selected;
    const opening = this.#tryOpen(before.name);
    this.#before = before;
    const attempt = this.#attempt;
    onNamed?.(before.name);
    if (!attempt.signal.aborted) showError(refusal);
    const error = await opening;
    if (error !== undefined) showNotice(`${messageOf(refusal)} ${messageOf(error)}`);
    if (attempt.signal.aborted) return;
    if (before.isPaused) this.pause();
    if (before.time !== undefined) await this.playback?.seek(before.time);
  }

  /** @returns {Before} */
  #current() {
    return {
      name: this.#name,
      selected: { ...this.#selected },
      // A screen can only be asked for by a user.
      returns: ["opening", "running", "paused"].includes(this.#state) && this.#name !== "screen",
      isPaused: this.#state === "paused",
      time: this.playback?.time,
    };
  }

  /**
   * Opens a camera instead of the current source.
   * @param {string} device its id
   */
  openCamera(device) {
    this.#selected.camera = device;
    return this.open("camera");
  }

  /**
   * Asks for the camera and opens it. The current source goes on until the user allows the camera; if another one is
   * opened meanwhile, nothing more happens.
   * @param {string} retry what the user has to do to be asked again, for the error
   * @param {{ onAllowed?: () => void, isWanted?: () => boolean }} [setup] `onAllowed` is called when the camera opens,
   *   `isWanted` asked whether it still should
   * @throws {Error} with a sentence for the user; the current source goes on
   */
  async requestCamera(retry, { onAllowed = () => {}, isWanted = () => true } = {}) {
    const { signal } = this.#attempt;
    /** @type {MediaStream} */
    let stream;
    try {
      stream = await requestCamera(this.#setup(signal), this.#selected.camera, retry);
    } catch (error) {
      if (signal.aborted || !isWanted()) return;
      throw error;
    }
    if (signal.aborted || !isWanted()) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    const opening = this.open("camera", stream);
    onAllowed();
    await opening;
  }

  /**
   * Opens a source instead of the current one. Errors are shown as a notice.
   * @param {string} name one of the values of the option `source`
   * @param {MediaStream} [stream] of a camera that the user has allowed already
   */
  async open(name, stream) {
    const error = await this.#tryOpen(name, stream);
    if (error !== undefined) showError(error);
  }

  /**
   * @param {string} name
   * @param {MediaStream} [stream]
   * @returns {Promise<unknown>} the error if it cannot be opened, unless something else has been opened since
   */
  async #tryOpen(name, stream) {
    this.close();
    this.emit("opening", null);
    this.#name = name;
    const attempt = this.#attempt;
    this.#enter((name === "camera" && !stream) || name === "screen" ? "asking" : "opening");
    try {
      const source = await openSource(name, this.#setup(attempt.signal), { ...this.#selected, stream });
      if (attempt.signal.aborted) source?.close();
      else if (source) this.#start(source);
      else this.#enter("needs-file");
    } catch (error) {
      if (attempt.signal.aborted) return undefined;
      this.close();
      return error;
    }
    return undefined;
  }

  /** Closes the source; its frame in progress is no longer shown. */
  close() {
    this.#view.newStream();
    this.#before = undefined;
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.#pump?.stop();
    this.#source?.close();
    this.#pump = undefined;
    this.#setSource(undefined);
    this.#enter("stopped");
  }

  /** @param {string[]} names of the options that have changed */
  #followSettings(names) {
    this.redrawIfPaused();
    // An option that was changed replaces what was chosen by hand before.
    if (names.includes("image-url")) delete this.#selected.image;
    if (names.includes("video-url")) delete this.#selected.file;
    if (names.includes("camera-facing")) delete this.#selected.camera;
    const source = String(this.#settings.values.source);
    const reopen = names.some((name) => reopens(this.#settings.option(name), source));
    if (source !== "camera") hideNoticeOf(ASKING);
    if (source === "camera" && this.#name !== "camera" && this.#source) this.#askForCamera();
    else if (reopen || source !== this.#name) this.open(source);
    else {
      this.playback?.configure();
      this.#source?.adapt?.();
    }
  }

  /** Asks for the camera, which was chosen in the list. The current source continues until it is allowed. */
  async #askForCamera() {
    showNotice(ASKING);
    const { signal } = this.#attempt;
    if (this.#asking === signal) return;
    this.#asking = signal;
    try {
      const isWanted = () => this.#settings.values.source === "camera";
      await this.requestCamera("choose it again", { isWanted });
    } catch (error) {
      this.#settings.set({ source: this.#name });
      showError(error);
    } finally {
      if (this.#asking === signal) {
        this.#asking = undefined;
        hideNoticeOf(ASKING);
      }
    }
  }

  async #awaitWorker() {
    try {
      await this.#view.ready;
    } catch {
      return; // reported where the worker was started
    }
    this.#workerReady = true;
    this.#pump?.offer();
  }

  /** Another worker is starting: the frame in progress is lost, the source stays open. */
  #restart() {
    this.#workerReady = false;
    this.#pump?.stop();
    this.#view.newStream();
    if (this.#source) this.#pumpFrames(this.#source);
    this.#awaitWorker();
  }

  /** @param {Source} source */
  #start(source) {
    this.#before = undefined;
    this.#size.newSource();
    this.#setSource(source);
    this.#pumpFrames(source);
    this.#enter("running");
    if (this.#workerReady) this.#pump?.offer();
  }

  /** @param {Source} source */
  #pumpFrames(source) {
    this.#pump = new FramePump(
      () => source.capture(),
      (frame) => this.#view.send(frame),
      showNotice,
    );
  }

  /**
   * @param {AbortSignal} signal
   * @returns {SourceSetup}
   */
  #setup(signal) {
    const { values } = this.#settings;
    return {
      video: element("video", HTMLVideoElement),
      size: this.#size.frameSize,
      width: () => this.#size.sourceWidth,
      values,
      signal,
      events: {
        onPicture: () => {
          if (!this.#workerReady || signal.aborted) return;
          this.#size.offered();
          this.#pump?.offer();
        },
        onRefused: (sentence) => {
          if (signal.aborted) return;
          this.#enter("paused");
          showNotice(sentence);
        },
        onFinished: () => {
          if (!signal.aborted) this.#enter("paused");
        },
        onEnd: (sentence) => {
          if (signal.aborted) return;
          this.close();
          showNotice(sentence);
        },
        onNote: (sentence) => signal.aborted || showNotice(sentence),
        onNoteOver: hideNoticeOf,
        onReplaced: (device, sentence) => {
          if (signal.aborted) return;
          this.openCamera(device);
          showNotice(sentence);
        },
      },
    };
  }

  /** @param {Source | undefined} source */
  #setSource(source) {
    if (source === this.#source) return;
    this.#source = source;
    const file = source?.playback;
    if (file) file.onChange = () => this.emit("position", file);
    this.emit("source", source);
  }

  /** @param {PlayerState} state */
  #enter(state) {
    this.#state = state;
    this.#size.interrupt();
    this.emit("state", state);
  }
}

/** The sources that the options with an address are about. */
const SOURCE_OF = new Map([
  ["image-url", "image"],
  ["video-url", "file"],
]);

/**
 * Whether a source has to be opened again for a new value of an option.
 * @param {Option} option
 * @param {string} source
 */
function reopens({ name, restarts, when }, source) {
  if (name === "source" || restarts !== "source") return false;
  return SOURCE_OF.has(name) ? SOURCE_OF.get(name) === source : (when?.source ?? [source]).includes(source);
}
