/**
 * The worker's model: loading it, cancelling that, letting it go. One model at a time.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { FileStore } from "../files/file_store.mjs";
import { deleteModels, loadModelFiles, storedModels } from "../files/model_files.mjs";
import { modelUrls } from "../files/model_source.mjs";
import { PageModel } from "./page_model.mjs";

/** @typedef {import("../live/protocol.mjs").ModelRequest} ModelRequest */
/** @typedef {import("../live/protocol.mjs").FromWorker} FromWorker */

// By then a run that failed because the GPU was lost is known to have.
const LOSS_KNOWN_MS = 500;
// A GPU that is lost again so soon would be lost for ever.
const SOON_MS = 60_000;

export class ModelHost {
  #pyodide;
  #session;
  #siteUrl;
  #inTurn;
  #send;
  #onCells;
  /** @type {PageModel | undefined} */
  #model;
  /** @type {AbortController | undefined} */
  #loading;
  /** When a GPU was lost. */
  #lostAt = -Infinity;

  /**
   * @param {any} pyodide
   * @param {any} session Python's `PageSession`, as a Pyodide proxy
   * @param {string} siteUrl
   * @param {(task: () => Promise<void>) => Promise<void>} inTurn runs a task between frames
   * @param {(message: FromWorker) => void} send
   * @param {() => void} onCells called when a model has chosen cells
   */
  constructor(pyodide, session, siteUrl, inTurn, send, onCells) {
    this.#pyodide = pyodide;
    this.#session = session;
    this.#siteUrl = siteUrl;
    this.#inTurn = inTurn;
    this.#send = send;
    this.#onCells = onCells;
  }

  /** The model that frames are to be processed with, if there is one. */
  get model() {
    return this.#model;
  }

  /**
   * Loads a model instead of the present one. What becomes of it is told by messages.
   * @param {ModelRequest} request
   * @param {number} [load] the number of this load, which the messages about it have
   */
  async load(request, load = 0) {
    this.cancel();
    const loading = new AbortController();
    this.#loading = loading;
    try {
      const { model, notes } = await this.#read(request, load, loading.signal);
      await this.#inTurn(async () => {
        if (loading.signal.aborted) {
          await model.close();
          return;
        }
        await this.unload().catch(() => {});
        this.#model = model;
        this.#session.set_model(
          model.python,
          model.graphs,
          model.bridge,
          request.maxTokens || undefined,
          (/** @type {string | undefined} */ fault) => (fault ? this.#stop(model, fault) : this.#onCells()),
        );
      });
      if (loading.signal.aborted) return; // `unload` comes next
      this.#send({ type: "model-ready", load, backend: model.backend.description });
      // Not before: who is told next that the model cannot be had has no use for them.
      for (const note of notes) this.#send({ type: "model-note", message: note });
      model.runner.lost.then(() => this.#recover(model, request, load));
      await this.tellStored();
    } catch (error) {
      if (loading.signal.aborted) return;
      this.#send({ type: "model-fault", load, message: messageOf(error) });
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
    }
  }

  /** Ends a load that is under way; what has arrived of the files is kept for the next one. */
  cancel() {
    this.#loading?.abort();
    this.#loading = undefined;
  }

  /** Frees the model; patch-diff chooses the cells again. To be called between frames. */
  async unload() {
    const model = this.#model;
    this.#model = undefined;
    this.#session.clear_model();
    await model?.close();
  }

  /** Tells the page how much is kept of all models. */
  async tellStored() {
    const files = await storedModels(await FileStore.open());
    this.#send({ type: "storage", bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) });
  }

  /** Deletes what is kept of all models. */
  async deleteStored() {
    try {
      await deleteModels(await FileStore.open());
    } catch (error) {
      this.#send({ type: "model-note", message: messageOf(error) });
    }
    await this.tellStored();
  }

  /**
   * A model failed over a frame: patch-diff goes on, unless the GPU was lost, which `#recover` sees to.
   * @param {PageModel} model
   * @param {string} fault
   */
  async #stop(model, fault) {
    const pause = new Promise((resolve) => setTimeout(resolve, LOSS_KNOWN_MS, false));
    const lost = await Promise.race([model.runner.lost.then(() => true), pause]);
    if (lost || model !== this.#model) return;
    await this.#inTurn(() => this.unload()).catch(() => {});
    this.#send({
      type: "model-stopped",
      message: `AutoGaze stopped: ${messageOf(fault).replace(/\.$/, "")}.`,
    });
  }

  /**
   * The GPU went away under a model: what is left of it is freed and it is loaded once more, but not again
   * and again.
   * @param {PageModel} model
   * @param {ModelRequest} request
   * @param {number} load
   */
  async #recover(model, request, load) {
    if (model !== this.#model) return;
    const again = performance.now() - this.#lostAt < SOON_MS;
    this.#lostAt = performance.now();
    // What was on the GPU cannot be freed any more, and need not be. That the model is gone is told before it
    // has been put away: who asks for a frame meanwhile has to wait for the next one.
    const unloaded = this.#inTurn(() => this.unload()).catch(() => {});
    if (again) {
      this.#send({
        type: "model-stopped",
        message:
          "The GPU was lost twice within a minute: choose AutoGaze again, or add backend=wasm to the address.",
      });
      return;
    }
    this.#send({ type: "model-lost", message: "The GPU was lost: the model is being started again." });
    await unloaded;
    // Another model may be on its way already.
    if (!this.#loading) await this.load(request, load);
  }

  /**
   * The model, and sentences for the user about what did not go as usual.
   * @param {ModelRequest} request
   * @param {number} load
   * @param {AbortSignal} signal
   */
  async #read(request, load, signal) {
    const chosen =
      request.files.length > 0 ? { files: request.files } : { urls: modelUrls(request, this.#siteUrl) };
    const files = await loadModelFiles(request.source ?? chosen, {
      store: await FileStore.open(),
      signal,
      onProgress: (step, loaded, total) => this.#send({ type: "model-progress", load, step, loaded, total }),
    });
    this.#send({ type: "model-progress", load, step: "Starting the model", loaded: 0, total: 0 });
    const model = await PageModel.load(this.#pyodide, files, {
      siteUrl: this.#siteUrl,
      graphsUrl: new URL(request.graphsUrl || "graphs/", this.#siteUrl).href,
      backend: request.backend,
      maxTokens: request.maxTokens || null,
    });
    return { model, notes: files.notes };
  }
}
