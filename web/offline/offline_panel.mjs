/**
 * The feature "Offline": says what is stored of the page, stores AutoGaze too, and offers new versions.
 * @module
 */

/** @import { BackendName, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Manifest } from "./cached_site.mjs" */

import { chooseBackend, ortFiles } from "../../wasm_bridge/autogaze.mjs";
import { element } from "../page/element.mjs";
import { messageOf } from "../page/notice.mjs";
import { CachedSite, SpaceError } from "./cached_site.mjs";

export class OfflinePanel {
  #site = new CachedSite();
  /** False before the page is cached, and from the moment its deletion was requested. */
  #started = false;
  /** The latest reading of the cache; readings run one after the other. */
  #reading = Promise.resolve();
  /** What runs models here, once known. @type {BackendName | undefined} */
  #backend;
  /** Description of what runs the model, if it was ready before the page was cached. */
  #backendBefore = "";
  #hint = element("offline-hint", HTMLElement);
  #state = element("offline-state", HTMLElement);
  #store = element("offline-store", HTMLButtonElement);
  #clear = element("offline-clear", HTMLButtonElement);
  #bar = element("offline-bar", HTMLProgressElement);
  #notice = element("version", HTMLElement);
  #noticeText = element("version-text", HTMLElement);

  /** @param {{ view: LiveView, maskSource: MaskSource }} page */
  constructor({ view, maskSource }) {
    // Only once the page runs, so that its start is not slower.
    view.ready.then(
      () => this.#start(),
      () => {}, // reported where the worker was started
    );
    maskSource.on("active", (source) => source === "autogaze" && this.#storeRuntime(maskSource.backend));
    this.#site.onUpdate = () => this.#offerReload("A new version of this page is ready.");
    this.#site.onReplaced = () =>
      this.#offerReload("Another tab has started a new version of this page: reload to continue.");
    element("version-reload", HTMLButtonElement).addEventListener("click", () => this.#site.update());
    element("version-later", HTMLButtonElement).addEventListener("click", () => {
      this.#notice.hidden = true;
    });
    this.#store.addEventListener("click", () => this.#storeModel());
    this.#clear.addEventListener("click", () => this.#delete());
  }

  async #start() {
    if (CachedSite.obstacle) {
      this.#showStatus("unavailable", CachedSite.obstacle);
      return;
    }
    this.#showStatus("storing…", "The page is being stored for offline use.");
    try {
      await this.#site.start();
      this.#started = true;
      await this.#show();
      if (this.#backendBefore) await this.#storeRuntime(this.#backendBefore);
    } catch (error) {
      this.#showStatus("unavailable", messageOf(error));
    }
  }

  /**
   * Stores the runtime of a model that is in use, and offers a reload if the model could use threads after it.
   * @param {string} backend description of what runs the model
   */
  async #storeRuntime(backend) {
    if (!this.#started) {
      this.#backendBefore = backend;
      return;
    }
    const onWasm = backend.startsWith("WebAssembly");
    const wouldGainThreads = onWasm && !globalThis.crossOriginIsolated && navigator.hardwareConcurrency > 1;
    // A visitor who has chosen nothing is not interrupted: the next visit has threads without being asked.
    if (wouldGainThreads && location.search !== "")
      this.#offerReload("The model runs on one thread. After a reload it can use more and may be faster.");
    this.#backend = onWasm ? "wasm" : "webgpu";
    /** @type {unknown} */
    const problem = await this.#storeFiles(this.#backend).catch((error) => error);
    await this.#show();
    // The next use stores what did not arrive; only a lack of space would recur.
    if (problem instanceof SpaceError) this.#showStatus(this.#hint.textContent ?? "", problem.message);
  }

  async #storeModel() {
    this.#store.disabled = true;
    this.#bar.hidden = false;
    try {
      // Asks the browser not to evict it when space runs short.
      await navigator.storage?.persist?.();
      this.#backend ??= (await chooseBackend()).name;
      await this.#storeFiles(this.#backend);
      await this.#show();
    } catch (error) {
      if (this.#started) this.#showStatus(this.#hint.textContent ?? "", messageOf(error));
    }
    this.#bar.hidden = true;
    this.#store.disabled = false;
  }

  /** @param {BackendName} backend */
  async #storeFiles(backend) {
    const manifest = await this.#site.manifest();
    if (!manifest) return;
    const paths = modelFiles(manifest, backend);
    this.#bar.max = sizeOf(manifest, paths);
    this.#bar.value = 0;
    await this.#site.add(paths, (bytes) => {
      this.#bar.value = bytes;
    });
  }

  async #delete() {
    this.#started = false;
    this.#clear.disabled = true;
    try {
      // Reading a cache while it is deleted would create it again, empty.
      await this.#reading.catch(() => {});
      await this.#site.clear();
      this.#showStatus(
        "nothing stored",
        "Nothing of the page is stored any more; the next visit stores it again.",
      );
    } catch (error) {
      this.#showStatus("", messageOf(error));
    }
    this.#store.hidden = this.#clear.hidden = true;
    this.#clear.disabled = false;
  }

  async #show() {
    this.#reading = this.#reading.catch(() => {}).then(() => this.#read());
    await this.#reading;
  }

  async #read() {
    if (!this.#started) return;
    const manifest = await this.#site.manifest();
    if (!manifest) return;
    const cached = await this.#site.paths();
    if (!this.#started) return;
    const lacking = manifest.start.filter((path) => !cached.has(path)).length;
    if (lacking > 0) {
      this.#showStatus(
        "incomplete",
        `${lacking} of ${manifest.start.length} files of the page are not stored: reload the page to store them.`,
      );
      return;
    }
    // Requesting an adapter only to show a size would wake the GPU at every visit.
    const likely = this.#backend ?? ("gpu" in navigator ? "webgpu" : "wasm");
    const missing = modelFiles(manifest, likely).filter((path) => !cached.has(path));
    const size = megabytes(sizeOf(manifest, [...cached]));
    this.#showStatus(
      `ready, ${size}`,
      missing.length > 0
        ? `The page works offline; ${size} are stored on this machine. AutoGaze is stored when it is first used.`
        : `The page and AutoGaze work offline; ${size} are stored on this machine.`,
    );
    this.#store.textContent = `Store AutoGaze too (up to ${megabytes(sizeOf(manifest, missing))})`;
    this.#store.hidden = missing.length === 0;
    this.#clear.hidden = false;
  }

  /**
   * @param {string} hint
   * @param {string} sentence
   */
  #showStatus(hint, sentence) {
    this.#hint.textContent = hint;
    this.#state.textContent = sentence;
  }

  /** @param {string} sentence */
  #offerReload(sentence) {
    this.#noticeText.textContent = sentence;
    this.#notice.hidden = false;
  }
}

/**
 * The files that are stored besides the page: ONNX Runtime, the built-in model and vision encoder, the graphs for
 * NVIDIA's model, and the samples.
 * @param {Manifest} manifest
 * @param {BackendName} backend
 */
function modelFiles({ files }, backend) {
  return [
    ...ortFiles(backend),
    ...Object.keys(files).filter((path) => /^(graphs|built-in|encoder|sample)\//.test(path)),
  ];
}

/**
 * @param {Manifest} manifest
 * @param {string[]} paths
 */
function sizeOf({ files }, paths) {
  return paths.reduce((sum, path) => sum + (files[path]?.bytes ?? 0), 0);
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
