/**
 * The live view's encoder: loading it, handing what it sees to the page, and what happens when it fails. It works
 * beside the panels, which never wait for it. `py/autogaze_web/page/encoder_session.py` is the other side.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { EncoderFiles } from "../files/encoder_files.mjs";
import { FileStore } from "../files/file_store.mjs";
import { BUILT_IN_ENCODER, modelUrls } from "../files/model_source.mjs";
import { LoadedEncoder } from "../model/loaded_encoder.mjs";
import { unpacked } from "../python/python_memory.mjs";
import { deepCamelCased } from "./frame_report.mjs";

/** @import { OnProgress } from "../calls/call_types.mjs" */
/** @import { Serializer } from "../calls/serializer.mjs" */
/** @import { Emit } from "./live_session.mjs" */
/** @import { EncodedFrame, EncoderStart } from "./protocol.mjs" */

const LOST = "The GPU was lost, so frames are encoded no longer: start the encoder again.";

export class LiveEncoder {
  #pyodide;
  #session;
  #siteUrl;
  #emit;
  #startedStream;
  #serializer;
  #full = false;
  /** @type {LoadedEncoder | undefined} */
  #encoder;
  /** @type {AbortController | undefined} */
  #loading;

  /**
   * @param {any} pyodide
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {string} siteUrl
   * @param {Emit} emit
   * @param {() => number} startedStream number of the stream that Python has started
   * @param {Serializer} serializer of frames
   */
  constructor(pyodide, session, siteUrl, emit, startedStream, serializer) {
    this.#pyodide = pyodide;
    this.#session = session;
    this.#siteUrl = siteUrl;
    this.#emit = emit;
    this.#startedStream = startedStream;
    this.#serializer = serializer;
  }

  /** What it has done up to now, for tests and measurements. */
  get counters() {
    return (
      this.#encoder && { ...this.#encoder.runner.counters, ...JSON.parse(this.#session.encoder_counters()) }
    );
  }

  /**
   * Encodes frames from now on, once the encoder is loaded; if it is already, only `full` changes.
   * @param {EncoderStart} how
   * @param {OnProgress} onProgress
   */
  async start({ full, backend = "auto" }, onProgress) {
    this.#full = full;
    this.#session.encode_all(full);
    if (this.#encoder || this.#loading) return;
    const loading = new AbortController();
    this.#loading = loading;
    try {
      const encoder = await this.#load(backend, loading.signal, onProgress);
      await this.#serializer.run(async () => {
        if (!loading.signal.aborted) {
          await this.#session.fetch_gazed_picture().catch(() => {}); // a graphics card that was lost has none
        }
        if (loading.signal.aborted) await encoder.close();
        else this.#use(encoder);
      });
    } catch (error) {
      if (!loading.signal.aborted) this.#emit("encoder-failed", { message: messageOf(error) });
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
    }
  }

  /** Ends it, or its load, and frees all that it holds. */
  async stop() {
    this.#loading?.abort();
    this.#loading = undefined;
    const encoder = this.#encoder;
    this.#encoder = undefined;
    this.#session.clear_encoder();
    await encoder?.close();
  }

  /**
   * @param {"auto" | "webgpu" | "wasm"} backend
   * @param {AbortSignal} signal
   * @param {OnProgress} onProgress
   */
  async #load(backend, signal, onProgress) {
    const siteUrl = this.#siteUrl;
    const source = { urls: modelUrls(BUILT_IN_ENCODER, siteUrl) };
    const onBytes = (/** @type {number} */ loaded, /** @type {number} */ total) =>
      onProgress("Loading the encoder", loaded, total);
    const files = await EncoderFiles.open(source, {
      store: await FileStore.open(),
      signal,
      onProgress: onBytes,
    });
    const graphsUrl = new URL(BUILT_IN_ENCODER.graphsUrl, siteUrl).href;
    return LoadedEncoder.load(this.#pyodide, files, { siteUrl, graphsUrl, backend, decodes: true });
  }

  /** @param {LoadedEncoder} encoder */
  #use(encoder) {
    this.#encoder = encoder;
    this.#session.set_encoder(
      encoder.python,
      encoder.bridge,
      (/** @type {string} */ header, /** @type {any} */ packed, /** @type {string | undefined} */ fault) => {
        if (fault) {
          this.#fail(encoder, messageOf(fault));
          return;
        }
        const frame = frameOf(header, packed, encoder.description.side);
        this.#emit("encoder-frame", { stream: this.#startedStream(), frame });
      },
      this.#full,
    );
    encoder.runner.lost.then(() => this.#fail(encoder, LOST));
    this.#emit("encoder-ready", {
      backend: encoder.backend.description,
      notes: encoder.notes,
      description: encoder.description,
    });
  }

  /**
   * @param {LoadedEncoder} encoder
   * @param {string} message
   */
  async #fail(encoder, message) {
    if (encoder !== this.#encoder) return;
    await this.stop().catch(() => {});
    this.#emit("encoder-failed", { message });
  }
}

/**
 * @param {string} header JSON of `_message` in `py/autogaze_web/page/encoder_session.py`
 * @param {any} packed a NumPy array, as a Pyodide proxy
 * @param {number} side of a rebuilt frame
 * @returns {EncodedFrame}
 */
function frameOf(header, packed, side) {
  const { numbers, feeds, shapes } = JSON.parse(header);
  const arrays = unpacked(feeds, packed);
  return /** @type {EncodedFrame} */ ({
    fullColours: null,
    ...deepCamelCased({ ...numbers, ...arrays }),
    hidden: shapes.features[1],
    side,
  });
}
