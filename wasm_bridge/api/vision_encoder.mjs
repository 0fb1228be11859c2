/**
 * A vision encoder that reads only the patches that AutoGaze chose, for pages of your own. docs/javascript.md
 * describes it.
 * @module
 */

import { Serializer } from "../calls/serializer.mjs";
import { WorkerCalls } from "../calls/worker_calls.mjs";
import { BUILT_IN_ENCODER, SIGLIP_GRAPHS } from "../files/model_source.mjs";
import { frameOf } from "./frame_input.mjs";
import { absolute, folder } from "./model_parts.mjs";

/** @import { OnProgress } from "../calls/call_types.mjs" */
/** @import { EncoderDescription } from "../model/encoder_types.mjs" */
/** @import { EncodedAnswer, EncoderApiCalls, EncoderCreated } from "./encoder_protocol.mjs" */
/** @import { FrameInput } from "./frame_input.mjs" */

/**
 * @typedef {object} EncoderOptions
 * @property {string | URL} [folder] address of the folder with config.json and model.safetensors (or shards and their
 *   index), such as "https://huggingface.co/google/siglip2-base-patch16-224/resolve/main/"; by default that of the
 *   site's own small encoder. Of a checkpoint with both towers only the vision tower is downloaded
 * @property {File[]} [files] the files instead
 * @property {string} [scales] pixels per side of the scales, as in "32+64+112+224"; by default those of config.json or,
 *   for a SigLIP of Hugging Face, AutoGaze's
 * @property {"block_causal" | "causal" | "bidirectional"} [attnType] which tokens see which; `block_causal` by default
 * @property {boolean} [frameIndependent] whether a token sees its own frame alone
 * @property {string | URL} [graphs] folder that `autogaze-web export` made, for another architecture than those of the
 *   built-in encoder and of SigLIP base with patches of 16 at 224 pixels
 * @property {boolean} [rebuild] whether frames are rebuilt by the frame decoder beside the encoder; by default of the
 *   built-in encoder alone
 * @property {"auto" | "webgpu" | "wasm"} [backend]
 * @property {OnProgress} [onProgress] receives bytes; the first report of "Loading the encoder" says how many there are
 *   before any of them has come
 * @property {(sentence: string) => void} [onNote] receives what did not go as usual
 * @property {AbortSignal} [signal] cancels; a partial download is stored for the next time
 * @property {string | URL} [siteUrl] folder with build.json; by default the one above this module's
 */

/**
 * What an encoder sees of a frame.
 * @typedef {object} EncodedFeatures
 * @property {Float32Array} features a row of `hidden` numbers for each token, in the order of the tokens
 * @property {number} hidden
 * @property {Float32Array | null} pooled one vector of the stream up to now; null without a pooling head
 * @property {ImageData | null} rebuilt the frame, rebuilt from the stream's newest feature of each patch
 * @property {number} encodeMs
 * @property {number} decodeMs
 */

const CLOSED = "This encoder was closed: load another one.";
const SIGLIP_SCALES = "32+64+112+224";

/** An encoder in a worker of its own; made by `loadEncoder`. */
export class VisionEncoder {
  #calls;
  #created;
  #streams = 0;

  /**
   * Use `loadEncoder`.
   * @private
   * @param {WorkerCalls<EncoderApiCalls>} calls
   * @param {EncoderCreated} created
   */
  constructor(calls, created) {
    this.#calls = calls;
    this.#created = created;
  }

  /**
   * @param {EncoderOptions} [options]
   * @returns {Promise<VisionEncoder>}
   * @throws {Error} with a sentence for the user
   */
  static async load(options = {}) {
    const { signal, onProgress, onNote = () => {}, files = [], backend = "auto" } = options;
    signal?.throwIfAborted();
    if (!["auto", "webgpu", "wasm"].includes(backend))
      throw new Error(`backend is "auto", "webgpu" or "wasm", got ${JSON.stringify(backend)}.`);
    const siteUrl = new URL(options.siteUrl ?? "../../", options.siteUrl ? document.baseURI : import.meta.url)
      .href;
    const builtIn = options.folder === undefined && files.length === 0;
    const ownGraphs = new URL(builtIn ? BUILT_IN_ENCODER.graphsUrl : SIGLIP_GRAPHS, siteUrl).href;
    const calls = new WorkerCalls(new URL("encoder_api_worker.mjs", import.meta.url), {
      failure: "The worker of the encoder could not be started: check siteUrl, or use a newer browser.",
    });
    const args = {
      siteUrl,
      folder: builtIn
        ? new URL(BUILT_IN_ENCODER.graphsUrl, siteUrl).href
        : folder(absolute(String(options.folder))),
      files,
      graphs: options.graphs === undefined ? ownGraphs : folder(absolute(String(options.graphs))),
      backend,
      scales: options.scales ?? (builtIn || options.graphs !== undefined ? undefined : SIGLIP_SCALES),
      attnType: options.attnType,
      frameIndependent: options.frameIndependent,
      decodes: options.rebuild ?? builtIn,
    };
    try {
      const created = await calls.call("create", args, { signal, onProgress });
      for (const note of created.notes) onNote(note);
      return new VisionEncoder(calls, created);
    } catch (error) {
      // A cancelled download stores what has come before its worker ends.
      const ended = signal?.aborted ? calls.call("drain", null) : Promise.resolve();
      ended.catch(() => {}).then(() => calls.terminate(CLOSED));
      throw error;
    }
  }

  /** What runs it, for people. */
  get backend() {
    return this.#created.backend;
  }

  /** What it is: layers, hidden, scales, grids, patches, patchSize, side. @returns {Readonly<EncoderDescription>} */
  get description() {
    return this.#created.description;
  }

  /**
   * Encodes one frame by itself, which stays yours.
   * @param {FrameInput} frame
   * @param {number[] | null} [tokens] ids of the patches to encode, such as `FrameResult.tokens`; all by default
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<EncodedFeatures>}
   * @throws {Error} with a sentence that says what is wrong
   */
  encode(frame, tokens = null, options = {}) {
    return encode(this.#calls, this.#created, "", frame, tokens, options);
  }

  /**
   * A stream of frames, of which each attends to those before it. Several may be open.
   * @param {{ window?: number | null }} [options] `window`: frames that a frame attends to, itself included, and that
   *   its pooled vector covers; null, the default, for all, which takes ever more time and memory
   * @returns {EncoderStream}
   */
  stream({ window = null } = {}) {
    this.#calls.check();
    this.#streams += 1;
    return new EncoderStream(this.#calls, this.#created, `stream ${this.#streams}`, window);
  }

  /** Frees the encoder, Python and the workers; what is under way fails. */
  close() {
    this.#calls.terminate(CLOSED);
  }
}

/** A stream of a `VisionEncoder`, made by its `stream()`. */
export class EncoderStream {
  #calls;
  #created;
  #name;
  #opened;
  #closed = false;
  /** Keeps frames in order: one picture can take longer to read than the next. */
  #serializer = new Serializer();

  /**
   * @param {WorkerCalls<EncoderApiCalls>} calls
   * @param {EncoderCreated} created
   * @param {string} name
   * @param {number | null} window
   */
  constructor(calls, created, name, window) {
    this.#calls = calls;
    this.#created = created;
    this.#name = name;
    this.#opened = calls.call("open", { stream: name, window });
    this.#opened.catch(() => {}); // thrown by the first frame
  }

  /**
   * Encodes the next frame, which stays yours.
   * @param {FrameInput} frame
   * @param {number[] | null} [tokens] ids of the patches to encode; all by default
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<EncodedFeatures>}
   * @throws {Error} with a sentence that says what is wrong
   */
  async next(frame, tokens = null, options = {}) {
    if (this.#closed) throw new Error("This stream was closed: open another one with stream().");
    await this.#opened;
    return this.#serializer.run(() => encode(this.#calls, this.#created, this.#name, frame, tokens, options));
  }

  /** Ends the stream and frees its keys and values. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#calls.call("close", { stream: this.#name }).catch(() => {});
  }
}

/**
 * @param {WorkerCalls<EncoderApiCalls>} calls
 * @param {EncoderCreated} created
 * @param {string} stream
 * @param {FrameInput} given
 * @param {number[] | null} tokens
 * @param {{ signal?: AbortSignal }} options
 * @returns {Promise<EncodedFeatures>}
 */
async function encode(calls, { description }, stream, given, tokens, { signal }) {
  calls.check();
  if (tokens !== null && !(Array.isArray(tokens) && tokens.every(Number.isInteger)))
    throw new Error("tokens are the ids of patches, whole numbers in an array, or null for all patches.");
  const { frame, transfer } = await frameOf(given, {});
  /** @type {EncodedAnswer} */
  const answer = await calls.call("encode", { stream, frame, tokens }, { signal, transfer });
  const { features, pooled = null, rebuilt, encodeMs, decodeMs } = answer;
  return {
    features,
    hidden: description.hidden,
    pooled,
    rebuilt: rebuilt ? new ImageData(rebuilt, description.side, description.side) : null,
    encodeMs,
    decodeMs,
  };
}
