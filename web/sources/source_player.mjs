/**
 * Opens, starts, pauses and changes the source of frames, and pumps its frames into the live view.
 * @module
 */

import { FramePump } from "./frame_pump.mjs";
import { frameSize } from "./frame_size.mjs";
import { openSource } from "./open_source.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../settings/options.mjs").Values} Values */
/** @typedef {import("./source.mjs").Source} Source */

/** @typedef {"asking" | "opening" | "running" | "paused" | "stopped" | "needs-file"} PlayerState */

export class SourcePlayer {
  /** @type {(state: PlayerState) => void} */
  onState = () => {};
  /** Called before another source is opened. @type {() => void} */
  onOpening = () => {};
  /** Called with a sentence for the user. @type {(sentence: string) => void} */
  onProblem = () => {};
  /** Called when another source is open, or none. @type {(source: Source | undefined) => void} */
  onSource = () => {};

  #view;
  #video;
  #values;
  #workerReady = false;
  /** @type {PlayerState} */
  #state = "stopped";
  #name = "";
  /** What the user chose for a source, by the source's name. @type {import("./open_source.mjs").Chosen} */
  #chosen = {};
  /** @type {Source | undefined} */
  #source;
  /** @type {FramePump | undefined} */
  #pump;
  #attempt = new AbortController();

  /**
   * @param {LiveView} view
   * @param {HTMLVideoElement} video for sources that play one
   * @param {Values} values of the options, always the present ones
   */
  constructor(view, video, values) {
    this.#view = view;
    this.#video = video;
    this.#values = values;
  }

  /** @returns {PlayerState} */
  get state() {
    return this.#state;
  }

  /** The name of the source that was opened last. */
  get name() {
    return this.#name;
  }

  /** What people call the source: a file's name, or the source's own. */
  get title() {
    const chosen = this.#name === "file" || this.#name === "image" ? this.#chosen[this.#name] : undefined;
    return chosen?.name ?? this.#name;
  }

  /** Milliseconds since the frame in work was captured. */
  get milliseconds() {
    return this.#pump?.milliseconds ?? 0;
  }

  /** Frames of this source that newer ones replaced. */
  get replaced() {
    return this.#pump?.replaced ?? 0;
  }

  /** Steps and seeks, while the source is a file. */
  get playback() {
    return this.#source?.playback;
  }

  /** Another worker is being started: the frame in work is lost, the source stays. */
  workerLost() {
    this.#workerReady = false;
    this.#pump?.stop();
    this.#view.newStream();
    if (this.#source) this.#pumpFrames(this.#source);
  }

  /** Frames can be worked on from now on. */
  workerReady() {
    this.#workerReady = true;
    this.#pump?.offer();
  }

  /** The frame that was in work is done. */
  frameDone() {
    this.#pump?.done();
  }

  /** Starts, pauses or resumes, whichever is next. */
  async toggle() {
    if (this.#state === "running") this.pause();
    else if (this.#state === "paused") {
      this.#source?.resume();
      this.#enter("running");
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
   * Opens a picture or a video instead of the present source.
   * @param {File} file
   */
  openFile(file) {
    const name = file.type.startsWith("image/") ? "image" : "file";
    this.#chosen[name] = file;
    return this.open(name);
  }

  /**
   * Opens one of the cameras instead of the present source.
   * @param {string} device its id
   */
  openCamera(device) {
    this.#chosen.camera = device;
    return this.open("camera");
  }

  /**
   * Options have other values now.
   * @param {string[]} changed their names
   * @param {boolean} restart whether one of them is of the kind that a source is opened with
   */
  optionsChanged(changed, restart) {
    // The address that was given last counts, not the file before it.
    if (changed.includes("image-url")) delete this.#chosen.image;
    if (changed.includes("video-url")) delete this.#chosen.file;
    if (changed.includes("camera-facing")) delete this.#chosen.camera;
    const name = String(this.#values.source);
    const other = name !== this.#name;
    if (other || (restart && changed.some((each) => each !== "source"))) this.open(name);
    else this.playback?.configure();
  }

  /**
   * Opens a source instead of the present one. What goes wrong is told by `onProblem`.
   * @param {string} name one of the option `source`'s values
   */
  async open(name) {
    this.close();
    this.onOpening();
    this.#name = name;
    const attempt = this.#attempt;
    this.#enter(name === "camera" || name === "screen" ? "asking" : "opening");
    try {
      const source = await openSource(name, this.#setup(attempt.signal), this.#chosen);
      if (attempt.signal.aborted) source?.close();
      else if (source) this.#start(source);
      else this.#enter("needs-file");
    } catch (error) {
      if (attempt.signal.aborted) return;
      this.close();
      this.onProblem(error instanceof Error ? error.message : String(error));
    }
  }

  /** Lets the source go; a frame of it that is in work is not shown any more. */
  close() {
    this.#view.newStream();
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.#pump?.stop();
    this.#source?.close();
    this.#pump = undefined;
    this.#show(undefined);
    this.#enter("stopped");
  }

  /** @param {Source} source */
  #start(source) {
    this.#show(source);
    this.#pumpFrames(source);
    this.#enter("running");
    if (this.#workerReady) this.#pump?.offer();
  }

  /** @param {Source} source */
  #pumpFrames(source) {
    this.#pump = new FramePump(
      () => source.capture(),
      (frame) => this.#view.send(frame),
      (sentence) => this.onProblem(sentence),
    );
  }

  /**
   * @param {AbortSignal} signal
   * @returns {import("./source.mjs").SourceSetup}
   */
  #setup(signal) {
    return {
      video: this.#video,
      size: frameSize(this.#values),
      values: this.#values,
      signal,
      events: {
        onPicture: () => {
          if (this.#workerReady && !signal.aborted) this.#pump?.offer();
        },
        onRefused: (sentence) => {
          if (signal.aborted) return;
          this.#enter("paused");
          this.onProblem(sentence);
        },
        onFinished: () => {
          if (!signal.aborted) this.#enter("paused");
        },
        onEnd: (sentence) => {
          if (signal.aborted) return;
          this.close();
          this.onProblem(sentence);
        },
      },
    };
  }

  /** @param {Source | undefined} source */
  #show(source) {
    if (source === this.#source) return;
    this.#source = source;
    this.onSource(source);
  }

  /** @param {PlayerState} state */
  #enter(state) {
    this.#state = state;
    this.onState(state);
  }
}
