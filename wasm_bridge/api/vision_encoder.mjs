/**
 * A vision encoder that reads only the patches that AutoGaze chose, for pages of your own. docs/javascript.md
 * describes it.
 * @module
 */

import { Serializer } from "../calls/serializer.mjs";
import { WorkerCalls } from "../calls/worker_calls.mjs";
import { BUILT_IN_ENCODER, SIGLIP_GRAPHS } from "../files/model_source.mjs";
import { callCreate } from "./create_call.mjs";
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

// The step that `encoder_api_worker.mjs` reports while it downloads.
const MODEL_STEP = "Loading the encoder";
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
    const how = { signal, onProgress, modelStep: MODEL_STEP, closed: CLOSED };
    const created = await callCreate(calls, args, how);
    for (const note of created.notes) onNote(note);
    return new VisionEncoder(calls, created);
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
  async encode(frame, tokens = null, { signal } = {}) {
    this.#calls.check();
    const wanted = checkedTokens(tokens);
    return featuresOf(await post(this.#calls, "", await frameOf(frame, {}), wanted, signal), this.#created);
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
    this.#opened.catch(() => {}); // thrown by the frames
  }

  /**
   * Encodes the next frame, which stays yours.
   * @param {FrameInput} frame
   * @param {number[] | null} [tokens] ids of the patches to encode; all by default
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<EncodedFeatures>}
   * @throws {Error} with a sentence that says what is wrong
   */
  async next(frame, tokens = null, { signal } = {}) {
    if (this.#closed) throw new Error("This stream was closed: open another one with stream().");
    this.#calls.check();
    const wanted = checkedTokens(tokens);
    const reading = frameOf(frame, {});
    reading.catch(() => {}); // thrown by the task
    // Posted without waiting for the frame before: the worker does one after the other, too.
    const { answer } = await this.#serializer.run(async () => {
      const read = await reading;
      const posted = post(this.#calls, this.#name, read, wanted, signal);
      posted.catch(() => {}); // thrown below
      return { answer: posted };
    });
    try {
      return featuresOf(await answer, this.#created);
    } catch (error) {
      if (!signal?.aborted) await this.#opened; // if that failed, it says more
      throw error;
    }
  }

  /** Ends the stream, once the frames given before are encoded, and frees its keys and values. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#serializer.run(() => {
      this.#calls.call("close", { stream: this.#name }).catch(() => {});
    });
  }
}

/**
 * @param {number[] | null} tokens
 * @returns {number[] | null} a copy
 */
function checkedTokens(tokens) {
  if (tokens !== null && !(Array.isArray(tokens) && tokens.every(Number.isInteger)))
    throw new Error("tokens are the ids of patches, whole numbers in an array, or null for all patches.");
  return tokens && [...tokens];
}

/**
 * @param {WorkerCalls<EncoderApiCalls>} calls
 * @param {string} stream
 * @param {Awaited<ReturnType<typeof frameOf>>} read
 * @param {number[] | null} tokens
 * @param {AbortSignal | undefined} signal
 */
async function post(calls, stream, { frame, transfer }, tokens, signal) {
  if ("image" in frame && (calls.ended || signal?.aborted)) frame.image.close(); // it is not posted
  return calls.call("encode", { stream, frame, tokens }, { signal, transfer });
}

/**
 * @param {EncodedAnswer} answer
 * @param {EncoderCreated} created
 * @returns {EncodedFeatures}
 */
function featuresOf({ features, pooled, rebuilt, encodeMs, decodeMs }, { description }) {
  const { hidden, side } = description;
  return {
    features,
    hidden,
    pooled: pooled ?? null,
    rebuilt: rebuilt ? new ImageData(rebuilt, side, side) : null,
    encodeMs,
    decodeMs,
  };
}
