/**
 * A worker's model: loading it, replacing it, and what happens when it or its GPU fails. One model at a time.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { TypedEventTarget } from "../calls/typed_event_target.mjs";
import { FileStore } from "../files/file_store.mjs";
import { loadModelFiles } from "../files/model_files.mjs";
import { LoadedModel } from "./loaded_model.mjs";
import { completeRequest } from "./model_request.mjs";

/** @import { OnProgress } from "../calls/call_types.mjs" */
/** @import { Serializer } from "../calls/serializer.mjs" */
/** @import { LoadOutcome, ModelRequest } from "./model_request.mjs" */

// Whether a run failed because its GPU was lost is known at the latest after so long.
const LOSS_KNOWN_MS = 500;
// A GPU that is lost twice within this time would be lost again and again.
const REPEATED_LOSS_MS = 60_000;

const LOST_DURING_CALL =
  "The GPU was lost; the model is being started again: give the clip or frame once more.";

/**
 * The events of a `ModelHost`:
 *
 * - `cells`: the model has chosen cells.
 * - `lost`: the GPU was lost; the model is being loaded again.
 * - `restart-progress`, `restarted`, `restart-failed`: what becomes of that.
 * - `stopped`: the model failed and was unloaded.
 *
 * @typedef {(
 *   Record<"cells", null>
 *   & Record<"lost" | "restart-failed" | "stopped", { message: string }>
 *   & Record<"restart-progress", { step: string, loaded: number, total: number }>
 *   & Record<"restarted", LoadOutcome>
 * )} ModelHostEvents
 */

/** @extends {TypedEventTarget<ModelHostEvents>} */
export class ModelHost extends TypedEventTarget {
  #pyodide;
  #session;
  #siteUrl;
  #serializer;
  /** @type {LoadedModel | undefined} */
  #model;
  /** What it was loaded for, with the limit on tokens that it has now. @type {ModelRequest | undefined} */
  #request;
  /** @type {AbortController | undefined} */
  #loading;
  /** Settles when a lost model is back or given up. @type {Promise<void>} */
  #restart = Promise.resolve();
  /** Why there is no model. */
  #fault = "There is no model.";
  #lostAt = -Infinity;

  /**
   * @param {any} pyodide
   * @param {any} session Python's `PageSession` or `ClipSession`, as a Pyodide proxy
   * @param {string} siteUrl
   * @param {Serializer} serializer of what uses the model: it is replaced and unloaded between such tasks
   */
  constructor(pyodide, session, siteUrl, serializer) {
    super();
    this.#pyodide = pyodide;
    this.#session = session;
    this.#siteUrl = siteUrl;
    this.#serializer = serializer;
  }

  /** The model in use, if there is one. */
  get model() {
    return this.#model;
  }

  /**
   * Loads a model and uses it instead of the current one, which stays until then. Ends a load under way.
   *
   * @param {ModelRequest} request
   * @param {object} [options]
   * @param {AbortSignal} [options.signal] cancels; partial downloads are stored for the next load
   * @param {OnProgress} [options.onProgress]
   * @returns {Promise<LoadOutcome>}
   * @throws {Error} with a sentence for the user
   * @throws the signal's reason, or an `AbortError` if `cancel` or another load ended this one
   */
  async load(request, { signal, onProgress = () => {} } = {}) {
    this.cancel();
    const loading = new AbortController();
    this.#loading = loading;
    const stop = signal ? AbortSignal.any([signal, loading.signal]) : loading.signal;
    try {
      const { model, notes } = await this.#read(request, stop, onProgress);
      await this.#serializer.run(() => (stop.aborted ? model.close() : this.#use(model, request)));
      stop.throwIfAborted();
      return { backend: model.backend.description, notes };
    } catch (error) {
      stop.throwIfAborted();
      throw error;
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
    }
  }

  /**
   * Changes the limit on a frame's tokens without loading the model again, if its graphs are those for it.
   * @param {number} maxTokens 0 for the model's own limit
   * @returns {Promise<boolean>} whether they are
   */
  limitTokens(maxTokens) {
    return this.#serializer.run(async () => {
      if (this.#loading || !this.#request || !this.#model?.covers(maxTokens || null)) return false;
      this.#request.maxTokens = maxTokens;
      this.#session.limit_tokens(maxTokens || undefined);
      return true;
    });
  }

  /** Ends a load under way; partial downloads are stored for the next one. */
  cancel() {
    this.#loading?.abort();
    this.#loading = undefined;
  }

  /** Frees the model; patch-diff chooses the cells. Waits for the task that uses the model. */
  unload() {
    return this.#serializer.run(() => this.#unload());
  }

  /** Resolves when no lost model is being loaded again. */
  async settled() {
    await this.#restart;
  }

  /**
   * Runs a task that uses the model, once a lost one is back.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @param {AbortSignal} signal what the task throws once this is aborted, is not the model's fault
   * @returns {Promise<T>}
   * @throws {Error} what the task throws, or a sentence that says that the GPU was lost
   */
  async run(task, signal) {
    await this.#restart;
    const model = this.#model;
    if (!model) throw new Error(this.#fault);
    try {
      return await this.#serializer.run(task);
    } catch (error) {
      if (!signal.aborted && (await wasLost(model))) throw new Error(LOST_DURING_CALL);
      throw error;
    }
  }

  /**
   * @param {LoadedModel | undefined} model that a clip was started with
   * @throws {Error} if it is in use no longer, because its GPU was lost
   */
  requireSame(model) {
    if (model !== this.#model) throw new Error(LOST_DURING_CALL);
  }

  /**
   * @param {LoadedModel} model
   * @param {ModelRequest} given
   */
  async #use(model, given) {
    await this.#unload().catch(() => {});
    const request = { ...given };
    this.#model = model;
    this.#request = request;
    this.#session.set_model(
      model.python,
      model.graphs,
      model.bridge,
      request.maxTokens || undefined,
      (/** @type {string | undefined} */ fault) => {
        if (fault) this.#stop(model, fault);
        else this.emit("cells", null);
      },
    );
    model.runner.lost.then(() => this.#recover(model, request));
  }

  async #unload() {
    const model = this.#model;
    this.#model = undefined;
    this.#request = undefined;
    this.#session.clear_model();
    await model?.close();
  }

  /**
   * A run failed: the model is unloaded, unless its GPU was lost, which `#recover` handles.
   * @param {LoadedModel} model
   * @param {string} fault
   */
  async #stop(model, fault) {
    if ((await wasLost(model)) || model !== this.#model) return;
    await this.unload().catch(() => {});
    this.#giveUp(`AutoGaze stopped: ${messageOf(fault).replace(/\.$/, "")}.`);
  }

  /**
   * The GPU was lost: frees what is left of its model and loads it again, on WebAssembly if this is the second loss
   * within a minute.
   * @param {LoadedModel} model
   * @param {ModelRequest} request
   */
  async #recover(model, request) {
    if (model !== this.#model) return;
    const now = performance.now();
    const repeated = now - this.#lostAt < REPEATED_LOSS_MS;
    this.#lostAt = now;
    // What was on the GPU is gone already. The loss is reported before the model is unloaded, so that a frame
    // requested meanwhile waits for the restart.
    const unloaded = this.unload().catch(() => {});
    this.#restart = unloaded.then(() => this.#loadAgain(repeated ? onWasm(request) : request));
    const message = repeated
      ? "The GPU was lost twice within a minute: the model is being started again, on WebAssembly."
      : "The GPU was lost: the model is being started again.";
    this.emit("lost", { message });
  }

  /**
   * @param {ModelRequest} request
   * @returns {Promise<void>}
   */
  async #loadAgain(request) {
    if (this.#loading) return; // another model is on its way
    try {
      const onProgress = (/** @type {Parameters<OnProgress>} */ ...[step, loaded, total]) =>
        this.emit("restart-progress", { step, loaded, total });
      this.emit("restarted", await this.load(request, { onProgress }));
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      // A GPU that was lost may be gone for good. With `auto`, WebAssembly has been tried already.
      if (request.backend === "webgpu") return this.#loadAgain(onWasm(request));
      this.#fault = messageOf(error);
      this.emit("restart-failed", { message: this.#fault });
    }
  }

  /** @param {string} message */
  #giveUp(message) {
    this.#fault = message;
    this.emit("stopped", { message });
  }

  /**
   * @param {ModelRequest} request
   * @param {AbortSignal} signal
   * @param {OnProgress} onProgress
   */
  async #read(request, signal, onProgress) {
    const { source, ...options } = completeRequest(request, this.#siteUrl);
    const files = await loadModelFiles(source, { store: await FileStore.open(), signal, onProgress });
    onProgress("Starting the model", 0, 0);
    const model = await LoadedModel.load(this.#pyodide, files, { siteUrl: this.#siteUrl, ...options });
    return { model, notes: [...files.notes, ...model.notes] };
  }
}

/**
 * @param {ModelRequest} request
 * @returns {ModelRequest}
 */
function onWasm(request) {
  return { ...request, backend: "wasm" };
}

/**
 * Whether the GPU under a model that just failed was lost.
 * @param {LoadedModel} model
 * @returns {Promise<boolean>}
 */
function wasLost(model) {
  const tooLate = new Promise((resolve) => setTimeout(resolve, LOSS_KNOWN_MS, false));
  return Promise.race([model.runner.lost.then(() => true), tooLate]);
}
