/**
 * Opens, starts, pauses and changes the source of frames, and pumps its frames into the live view.
 * @module
 */

import { FramePump } from "./frame_pump.mjs";
import { openCamera } from "./sources/camera.mjs";
import { openSynthetic } from "./sources/synthetic.mjs";
import { openVideoFile } from "./sources/video_file.mjs";

/** @typedef {import("../wasm_bridge/live_client.mjs").LiveView} LiveView */
/** @typedef {import("../wasm_bridge/protocol.mjs").OptionValues} OptionValues */
/** @typedef {import("./sources/source.mjs").Source} Source */

/** @typedef {"asking" | "opening" | "running" | "paused" | "stopped" | "needs-file"} PlayerState */

export class SourcePlayer {
  /** @type {(state: PlayerState) => void} */
  onState = () => {};
  /** Called with a sentence for the user. @type {(sentence: string) => void} */
  onProblem = () => {};

  #view;
  #video;
  #width;
  #workerReady = false;
  /** @type {PlayerState} */
  #state = "stopped";
  #name = "";
  /** @type {File | undefined} */
  #file;
  /** @type {Source | undefined} */
  #source;
  /** @type {FramePump | undefined} */
  #pump;
  #attempt = 0;

  /**
   * @param {LiveView} view
   * @param {HTMLVideoElement} video for sources that play one
   * @param {OptionValues} values
   */
  constructor(view, video, values) {
    this.#view = view;
    this.#video = video;
    this.#width = Number(values["inference-width"]);
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
    return this.#name === "file" && this.#file ? this.#file.name : this.#name;
  }

  /** Frames of this source that newer ones replaced. */
  get replaced() {
    return this.#pump?.replaced ?? 0;
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
    if (this.#state === "running") {
      this.#source?.pause();
      this.#enter("paused");
    } else if (this.#state === "paused") {
      this.#source?.resume();
      this.#enter("running");
    } else if (this.#state === "stopped" || this.#state === "needs-file") {
      await this.open(this.#name);
    }
  }

  /**
   * Opens a video file instead of the present source.
   * @param {File} file
   */
  openFile(file) {
    this.#file = file;
    return this.open("file");
  }

  /**
   * Opens a source instead of the present one. What goes wrong is told by `onProblem`.
   * @param {string} name one of the option `source`'s values
   */
  async open(name) {
    this.close();
    this.#name = name;
    if (name === "file" && !this.#file) {
      this.#enter("needs-file");
      return;
    }
    this.#enter(name === "camera" ? "asking" : "opening");
    const attempt = ++this.#attempt;
    try {
      const source = await this.#openNamed(name, attempt);
      if (attempt !== this.#attempt) {
        source.close();
        return;
      }
      this.#start(source);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.close();
      this.onProblem(error instanceof Error ? error.message : String(error));
    }
  }

  /** Lets the source go. */
  close() {
    this.#attempt += 1;
    this.#pump?.stop();
    this.#source?.close();
    this.#pump = undefined;
    this.#source = undefined;
    this.#enter("stopped");
  }

  /** @param {Source} source */
  #start(source) {
    this.#source = source;
    this.#view.newStream();
    this.#pump = new FramePump(
      () => source.capture(),
      (frame) => this.#view.send(frame),
      (sentence) => this.onProblem(sentence),
    );
    this.#enter("running");
    if (this.#workerReady) this.#pump.offer();
  }

  /**
   * @param {string} name
   * @param {number} attempt
   * @returns {Promise<Source>}
   */
  async #openNamed(name, attempt) {
    const events = {
      onPicture: () => {
        if (this.#workerReady && attempt === this.#attempt) this.#pump?.offer();
      },
      onRefused: (/** @type {string} */ sentence) => {
        if (attempt !== this.#attempt) return;
        this.#enter("paused");
        this.onProblem(sentence);
      },
      onEnd: (/** @type {string} */ sentence) => {
        if (attempt !== this.#attempt) return;
        this.close();
        this.onProblem(sentence);
      },
    };
    if (name === "camera") return openCamera(this.#video, this.#width, events);
    if (name === "file" && this.#file) return openVideoFile(this.#video, this.#file, this.#width, events);
    return openSynthetic(name, this.#width, events);
  }

  /** @param {PlayerState} state */
  #enter(state) {
    this.#state = state;
    this.onState(state);
  }
}
