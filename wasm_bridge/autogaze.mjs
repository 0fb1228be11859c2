/**
 * AutoGaze for pages of your own: the few patches that matter in each frame of a video, found in the browser.
 * All of it is described in docs/javascript.md.
 *
 * @example
 * const gaze = await AutoGaze.create({ onProgress: (step, done, total) => console.log(step, done, total) });
 * const clip = await gaze.inferClip(rgba, { width: 640, height: 360, frames: 16 });
 * context.putImageData(clip.last.imageData("mask"), 0, 0);
 *
 * const stream = gaze.stream();
 * const { tokens, points } = await stream.next(videoElement);
 * gaze.close();
 * @module
 */

import { callCreate } from "./api/create_call.mjs";
import { checkedRgba } from "./api/frame_input.mjs";
import { GazeStream } from "./api/gaze_stream.mjs";
import { modelParts } from "./api/model_parts.mjs";
import { ClipResult, FrameResult } from "./api/results.mjs";
import { WorkerCalls } from "./calls/worker_calls.mjs";

export { startWorker } from "./calls/start_worker.mjs";
export { TypedEventTarget } from "./calls/typed_event_target.mjs";
export { LiveView } from "./live/live_client.mjs";
export { adapterName, chooseBackend, isSoftware, requestAdapter } from "./runner/backend.mjs";
export { ortFiles } from "./runner/ort_files.mjs";
export { ClipResult, FrameResult, GazeStream };

/** @import { ApiCalls, Changes } from "./api/protocol.mjs" */

/** @typedef {import("./api/frame_input.mjs").FrameInput} FrameInput */
/** @typedef {import("./api/vision_encoder.mjs").EncodedFeatures} EncodedFeatures */
/** @typedef {import("./model/encoder_types.mjs").EncoderDescription} EncoderDescription */
/** @typedef {import("./api/vision_encoder.mjs").EncoderOptions} EncoderOptions */
/** @typedef {import("./api/vision_encoder.mjs").EncoderStream} EncoderStream */
/** @typedef {import("./api/vision_encoder.mjs").VisionEncoder} VisionEncoder */
/** @typedef {import("./api/gaze_stream.mjs").StreamOptions} StreamOptions */
/** @typedef {import("./api/model_parts.mjs").ModelFile} ModelFile */
/** @typedef {import("./api/results.mjs").Point} Point */
/** @typedef {import("./api/results.mjs").ScaleMask} ScaleMask */
/** @typedef {import("./api/settings.mjs").Settings} Settings */
/** @typedef {import("./calls/call_types.mjs").OnProgress} OnProgress */

// What a LiveView takes, and the details of its events.
/** @typedef {import("./runner/backend.mjs").BackendName} BackendName */
/** @typedef {import("./live/live_client.mjs").LiveViewEvents} LiveViewEvents */
/** @typedef {import("./live/live_client.mjs").LoadProgress} LoadProgress */
/** @typedef {import("./calls/routed_fetch.mjs").FromReader} FromReader */
/** @typedef {import("./calls/routed_fetch.mjs").Route} Route */
/** @typedef {import("./calls/routed_fetch.mjs").RouteRequest} RouteRequest */
/** @typedef {import("./calls/routed_fetch.mjs").ToReader} ToReader */
/** @typedef {import("./live/protocol.mjs").CellList} CellList */
/** @typedef {import("./live/protocol.mjs").EncodedFrame} EncodedFrame */
/** @typedef {import("./live/protocol.mjs").EncoderReady} EncoderReady */
/** @typedef {import("./live/protocol.mjs").EncoderStart} EncoderStart */
/** @typedef {import("./live/protocol.mjs").CellRow} CellRow */
/** @typedef {import("./live/protocol.mjs").ComparisonChoice} ComparisonChoice */
/** @typedef {import("./live/protocol.mjs").FileKind} FileKind */
/** @typedef {import("./model/model_request.mjs").ModelRequest} ModelRequest */
/** @typedef {import("./live/protocol.mjs").Frame} Frame */
/** @typedef {import("./live/protocol.mjs").GazeFileOptions} GazeFileOptions */
/** @typedef {import("./live/protocol.mjs").FrameReport} FrameReport */
/** @typedef {import("./live/protocol.mjs").GazedFrame} GazedFrame */
/** @typedef {import("./live/protocol.mjs").OptionValues} OptionValues */
/** @typedef {import("./panels/panel_picture.mjs").PictureChoice} PictureChoice */
/** @typedef {import("./live/protocol.mjs").PictureFrame} PictureFrame */
/** @typedef {import("./live/protocol.mjs").VisionFacts} VisionFacts */
/** @typedef {import("./live/protocol.mjs").VisionProjection} VisionProjection */
/** @typedef {import("./panels/recording_clock.mjs").FilePosition} FilePosition */

/**
 * @typedef {object} CreateOptions
 * @property {"built-in" | "nvidia"} [model] the site's own small model, the default, or NVIDIA's release
 * @property {ModelFile} [config] config.json of another model
 * @property {ModelFile | File[]} [weights] its model.safetensors; an address may also be that of the index of its
 *   shards, or of the folder; an array has the index and the shards
 * @property {ModelFile} [preprocessor] preprocessor_config.json; by default the one beside an address `config`
 * @property {string | URL} [graphs] folder that `autogaze-web export` made, for another architecture than the
 *   released one
 * @property {"autogaze" | "patch-diff"} [maskSource] what chooses the cells; patch-diff needs no model
 * @property {"auto" | "webgpu" | "wasm"} [backend] what runs the model
 * @property {number} [maxTokens] the setting `maxGazeTokensEachFrame`
 * @property {Partial<Settings>} [settings] others from the start
 * @property {OnProgress} [onProgress] receives bytes while Python and the model are loaded
 * @property {(sentence: string) => void} [onNote] receives what did not go as usual, such as that the GPU was lost
 * @property {AbortSignal} [signal] cancels; a partial download of the model is stored for the next time
 * @property {string | URL} [siteUrl] folder with build.json; by default the one above this module's
 */

/**
 * @typedef {object} ClipOptions
 * @property {number} width of each frame, in pixels
 * @property {number} height
 * @property {number} [frames] by default as many as the bytes are
 * @property {boolean} [panels] whether the results have mask and output; true by default
 * @property {boolean} [continued] whether the output goes on from the previous clip; by default it restarts. The
 *   model sees each clip by itself.
 * @property {(done: number, total: number) => void} [onProgress] receives the number of frames done, with the share
 *   of the current one in tiled modes
 * @property {AbortSignal} [signal] cancels
 */

// The step that `model_files.mjs` reports while it downloads.
const MODEL_STEP = "Loading the model";
const CLOSED = "This AutoGaze was closed: create another one.";

/** A mask source: the model, or patch-diff; in a worker of its own. */
export class AutoGaze {
  #calls;
  /** @type {Readonly<Settings>} */
  #settings;
  /** @type {string} */
  #backend;
  /** @type {string} */
  #version;
  /** @type {GazeStream | undefined} */
  #stream;
  #fresh = true;

  /**
   * Use `AutoGaze.create`.
   * @private
   * @param {WorkerCalls<ApiCalls>} calls
   * @param {{ settings: Record<string, any>, backend: string, version: string }} created
   */
  constructor(calls, { settings, backend, version }) {
    if (!(calls instanceof WorkerCalls))
      throw new Error("Use await AutoGaze.create(): loading takes a while.");
    this.#calls = calls;
    this.#settings = frozen(settings);
    this.#backend = backend;
    this.#version = version;
  }

  /**
   * Starts Python and loads a model, in a worker.
   * @param {CreateOptions} [options]
   * @returns {Promise<AutoGaze>}
   * @throws {Error} with a sentence for the user
   */
  static async create(options = {}) {
    const { signal, onProgress, onNote = () => {}, maskSource = "autogaze", maxTokens } = options;
    signal?.throwIfAborted();
    if (maskSource !== "autogaze" && maskSource !== "patch-diff")
      throw new Error(`maskSource is "autogaze" or "patch-diff", got ${JSON.stringify(maskSource)}.`);
    const model = maskSource === "autogaze" ? modelParts(options) : null;
    const siteUrl = new URL(options.siteUrl ?? "../", options.siteUrl ? document.baseURI : import.meta.url)
      .href;
    const settings = /** @type {Changes} */ ({ ...options.settings });
    if (maxTokens !== undefined) settings.maxGazeTokensEachFrame = maxTokens;
    const calls = new WorkerCalls(new URL("api/api_worker.mjs", import.meta.url), {
      failure: "The worker of AutoGaze could not be started: check siteUrl, or use a newer browser.",
      onEvent: (event, detail) => {
        if (event === "note") onNote(detail);
        else if (gaze) gaze.#backend = detail;
      },
    });
    /** @type {AutoGaze | undefined} */
    let gaze;
    const args = { siteUrl, settings, model };
    const how = { signal, onProgress, modelStep: MODEL_STEP, closed: CLOSED };
    gaze = new AutoGaze(calls, await callCreate(calls, args, how));
    return gaze;
  }

  /** All settings as they are now; change them with `set`. */
  get settings() {
    return this.#settings;
  }

  /** What runs the model, for people; empty for patch-diff. */
  get backend() {
    return this.#backend;
  }

  /** Version of the package. */
  get version() {
    return this.#version;
  }

  /**
   * Changes settings from the next frame on; nothing changes if one is wrong. Another
   * `maxGazeTokensEachFrame` starts the model again, since each budget has a graph of its own.
   * @param {Partial<Settings>} changes
   * @param {{ signal?: AbortSignal, onProgress?: OnProgress }} [how]
   * @returns {Promise<Readonly<Settings>>} all of them
   */
  async set(changes, how = {}) {
    const given = /** @type {Changes} */ ({ ...changes });
    this.#settings = frozen(await this.#calls.call("change", given, how));
    return this.#settings;
  }

  /**
   * Sets settings to their defaults: those named, or all.
   * @param {(keyof Settings)[]} names
   */
  async reset(...names) {
    const reset = names.length > 0 ? names : Object.keys(this.#settings);
    return this.set(Object.fromEntries(reset.map((name) => [name, null])));
  }

  /**
   * Tiles of a frame in the present mode; 1 in realtime.
   * @param {number} width
   * @param {number} height
   * @returns {Promise<number>}
   */
  async tileCount(width, height) {
    return this.#calls.call("tileCount", { width, height });
  }

  /** Restarts the output with the next clip, even if that is `continued`. */
  resetVisualization() {
    this.#fresh = true;
  }

  /**
   * Works on a whole clip. The model sees it by itself: up to `framesPerClip` frames exactly as by NVIDIA's
   * `generate`, of a longer clip each frame together with those just before it.
   *
   * @param {Uint8ClampedArray | Uint8Array | ArrayBuffer} rgba the frames' rows, one frame after the other;
   *   stays yours
   * @param {ClipOptions & Partial<Settings>} options settings given here are for this clip only
   * @returns {Promise<ClipResult>}
   * @throws {Error} with a sentence that says what is wrong
   */
  async inferClip(rgba, options) {
    const {
      width,
      height,
      frames,
      panels = true,
      continued = false,
      onProgress,
      signal,
      ...settings
    } = options ?? {};
    this.#calls.check();
    if (this.#stream)
      throw new Error("A stream is open: close it first, or create another AutoGaze for the clip.");
    const bytes = rgba?.byteLength ?? 0;
    const count = frames ?? Math.max(1, Math.floor(bytes / (4 * width * height)));
    const pixels = checkedRgba(rgba, width, height, count).slice();
    const begun = continued && !this.#fresh;
    this.#fresh = false;
    const answer = await this.#calls.call(
      "clip",
      {
        pixels,
        width,
        height,
        frames: count,
        panels,
        continued: begun,
        settings: /** @type {Changes} */ (settings),
      },
      { signal, transfer: [pixels.buffer], onProgress: (_, done, total) => onProgress?.(done, total) },
    );
    const size = 4 * width * height;
    const results = answer.frames.map((frame, index) => {
      const input = answer.pixels.subarray(index * size, (index + 1) * size);
      return new FrameResult(frame, input);
    });
    return new ClipResult(results, width, height);
  }

  /**
   * Opens a live stream; one at a time.
   * @param {StreamOptions} [options]
   * @returns {GazeStream}
   */
  stream(options = {}) {
    this.#calls.check();
    if (this.#stream)
      throw new Error("A stream is open already: close it first, or create another AutoGaze for this one.");
    this.#stream = new GazeStream(this.#calls, options, () => {
      this.#stream = undefined;
    });
    this.#fresh = true;
    return this.#stream;
  }

  /**
   * The bytes of a file of the gaze at the last clip, or at the stream since it began: `gazing_info` or keep-masks
   * for vision encoders elsewhere (docs/encoder.md).
   * @param {GazeFileOptions} [request]
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   * @throws {Error} if the request is wrong, or there is no frame yet
   */
  async gazeFile(request = {}) {
    return this.#calls.call("gazeFile", { request });
  }

  /** Frees the model, Python and the worker; what is under way fails. */
  close() {
    this.#calls.terminate(CLOSED);
  }
}

/** Patch-diff: cells whose pixels changed. No model, so nothing is downloaded but Python. */
export const PatchDiff = Object.freeze({
  /**
   * @param {Omit<CreateOptions, "maskSource">} [options]
   * @returns {Promise<AutoGaze>}
   */
  create: (options = {}) => AutoGaze.create({ ...options, maskSource: "patch-diff" }),
});

/**
 * Loads a vision encoder that reads only the patches that AutoGaze chose: the site's own small one, or a SigLIP.
 * @param {EncoderOptions} [options]
 * @returns {Promise<VisionEncoder>}
 * @throws {Error} with a sentence for the user
 */
export async function loadEncoder(options) {
  const { VisionEncoder } = await import("./api/vision_encoder.mjs"); // most pages do without
  return VisionEncoder.load(options);
}

/**
 * @param {Record<string, any>} settings
 * @returns {Readonly<Settings>}
 */
function frozen(settings) {
  return Object.freeze(/** @type {Settings} */ (settings));
}
