/**
 * Opens, starts, pauses and changes the source of frames, and pumps its frames into the live view.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { FileSource } from "./file_source.mjs" */
/** @import { Request } from "./camera_request.mjs" */
/** @import { SelectedMedia } from "./selected_media.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { TypedEventTarget } from "../../wasm_bridge/autogaze.mjs";
import { element } from "../page/element.mjs";
import { hideNoticeOf, showError, showNotice } from "../page/notice.mjs";
import { AutomaticSize } from "./automatic_size.mjs";
import { CameraRequest } from "./camera_request.mjs";
import { FrameFeed } from "./frame_feed.mjs";
import { watchInterruptions } from "./interrupted_video.mjs";
import { openSource } from "./open_source.mjs";
import { RefusedFile } from "./refused_file.mjs";
import { lacksFile, reopens, staysHere, stillSelected } from "./selected_media.mjs";

/** @typedef {"asking" | "opening" | "running" | "paused" | "stopped" | "needs-file"} PlayerState */

/**
 * Its events: `state`; `opening`, before another source is opened; `source`, when a source was opened or closed;
 * `position`, when the position in a file or what is known of the file has changed.
 * @extends {TypedEventTarget<{ state: PlayerState, opening: null, source: Source | undefined, position: FileSource }>}
 */
export class SourcePlayer extends TypedEventTarget {
  #view;
  #settings;
  #size;
  #feed;
  /** @type {PlayerState} */
  #state = "stopped";
  #name = "";
  /** @type {SelectedMedia} */
  #selected = {};
  /** @type {Source | undefined} */
  #source;
  #attempt = new AbortController();
  #refused;
  #cameraRequest;

  /** @param {{ view: LiveView, settings: Settings }} page */
  constructor({ view, settings }) {
    super();
    this.#view = view;
    this.#settings = settings;
    this.#refused = new RefusedFile({
      current: () => this.#current(),
      open: (name, selected) => {
        this.#selected = selected;
        return this.#tryOpen(name);
      },
      attempt: () => this.#attempt.signal,
      settle: async ({ isPaused, time }) => {
        if (isPaused) this.pause();
        if (time !== undefined) await this.playback?.seek(time);
      },
    });
    this.#cameraRequest = new CameraRequest({
      settings,
      name: () => this.#name,
      setup: () => this.#setup(this.#attempt.signal),
      device: () => this.#selected.camera,
      open: (stream) => this.open("camera", stream),
    });
    this.#size = new AutomaticSize({ view, settings }, () => this.#source?.adapt?.());
    this.#feed = new FrameFeed(view);
    view.on("frame", (report) =>
      this.#size.shown(report, this.latency, this.#state === "running" && !this.playback?.everyFrame),
    );
    settings.on("change", (names) => this.#followSettings(names));
    watchInterruptions(element("video", HTMLVideoElement), () => this.#onInterrupted());
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
    return lacksFile(name, this.#selected, this.#settings.values);
  }

  /** Whether what is open stays on this machine: a file that was selected, a camera, a screen. */
  get isPrivate() {
    return staysHere(this.#name, this.#selected);
  }

  /** Milliseconds from the capture of the last frame to its end. */
  get latency() {
    return this.#feed.latency;
  }

  /** Frames of this source that were replaced by newer ones. */
  get replaced() {
    return this.#feed.replaced;
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

  #onInterrupted() {
    if (this.#state !== "running" || this.playback?.everyFrame) return;
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
    await this.#refused.open(file, onNamed);
  }

  /** What a refused file goes back to. */
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
   * @param {Request} [request]
   * @throws {Error} with a sentence for the user; the current source goes on
   */
  async requestCamera(retry, request) {
    await this.#cameraRequest.ask(retry, request);
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
    this.#refused.forget();
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.#feed.stop();
    this.#source?.close();
    this.#setSource(undefined);
    this.#enter("stopped");
  }

  /** @param {string[]} names of the options that have changed */
  #followSettings(names) {
    this.redrawIfPaused();
    this.#selected = stillSelected(this.#selected, names);
    const source = String(this.#settings.values.source);
    const reopen = names.some((name) => reopens(this.#settings.option(name), source));
    if (source !== "camera") this.#cameraRequest.withdraw();
    if (source === "camera" && this.#name !== "camera" && this.#source) this.#cameraRequest.askAsChosen();
    else if (reopen || source !== this.#name) this.open(source);
    else {
      this.playback?.configure();
      this.#source?.adapt?.();
    }
  }

  /** @param {Source} source */
  #start(source) {
    this.#refused.forget();
    this.#size.newSource();
    this.#setSource(source);
    this.#feed.start(source);
    this.#enter("running");
    this.#feed.offer();
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
          if (!this.#feed.isReady || signal.aborted) return;
          this.#size.offered();
          this.#feed.offer();
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
