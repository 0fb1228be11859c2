/**
 * The feature "offline": says what is kept of the page, keeps AutoGaze, offers new versions.
 * @module
 */

import { chooseBackend, ortFiles } from "../../wasm_bridge/autogaze.mjs";
import { element } from "../page/element.mjs";
import { KeptSite } from "./cached_site.mjs";

export class OfflinePanel {
  #site = new KeptSite();
  /** False again from the moment on when all that is kept is to go. */
  #started = false;
  /** The reading of what is kept that was asked for last; they run one after the other. */
  #reading = Promise.resolve();
  /** What runs models here, once that is known. @type {import("../../wasm_bridge/autogaze.mjs").BackendName | undefined} */
  #backend;
  /** What runs the model that got ready before the page was kept, as it describes itself. */
  #readyBefore = "";
  #hint = element("offline-hint", HTMLElement);
  #state = element("offline-state", HTMLElement);
  #keep = element("offline-keep", HTMLButtonElement);
  #clear = element("offline-clear", HTMLButtonElement);
  #bar = element("offline-bar", HTMLProgressElement);
  #notice = element("version", HTMLElement);
  #noticeText = element("version-text", HTMLElement);

  constructor() {
    this.#site.onUpdate = () => this.#offerReload("A new version of this page is ready.");
    this.#site.onReplaced = () =>
      this.#offerReload("Another tab has started a new version of this page: reload to go on with it.");
    element("version-reload", HTMLButtonElement).addEventListener("click", () => this.#site.update());
    element("version-later", HTMLButtonElement).addEventListener("click", () => {
      this.#notice.hidden = true;
    });
    this.#keep.addEventListener("click", () => this.#keepModel());
    this.#clear.addEventListener("click", () => this.#delete());
  }

  /** Has the page kept. To be called once it runs, so that its start is not slower for it. */
  async start() {
    if (KeptSite.obstacle) {
      this.#tell("not here", KeptSite.obstacle);
      return;
    }
    this.#tell("being kept…", "The page is being kept for use without a network.");
    try {
      await this.#site.start();
      this.#started = true;
      await this.#show();
      if (this.#readyBefore) await this.modelReady(this.#readyBefore);
    } catch (error) {
      this.#tell("not here", messageOf(error));
    }
  }

  /**
   * A model is in use: its runtime is kept for the next time. Where it could use threads if the page were
   * loaded again, that is offered.
   * @param {string} backend its description
   */
  async modelReady(backend) {
    if (!this.#started) {
      this.#readyBefore = backend;
      return;
    }
    const onWasm = backend.startsWith("WebAssembly");
    if (onWasm && !globalThis.crossOriginIsolated && navigator.hardwareConcurrency > 1)
      this.#offerReload(
        "The model runs on one thread. Reload the page and it may use more, which is faster.",
      );
    this.#backend = onWasm ? "wasm" : "webgpu";
    await this.#keepFiles(this.#backend).catch(() => {});
    await this.#show();
  }

  async #keepModel() {
    this.#keep.disabled = true;
    this.#bar.hidden = false;
    try {
      // Asks the browser not to clear it away when space gets short.
      await navigator.storage?.persist?.();
      this.#backend ??= (await chooseBackend()).name;
      await this.#keepFiles(this.#backend);
      await this.#show();
    } catch (error) {
      if (this.#started) this.#tell(this.#hint.textContent ?? "", messageOf(error));
    }
    this.#bar.hidden = true;
    this.#keep.disabled = false;
  }

  /** @param {import("../../wasm_bridge/autogaze.mjs").BackendName} backend */
  async #keepFiles(backend) {
    const manifest = await this.#site.manifest();
    if (!manifest) return;
    const paths = modelFiles(manifest, backend);
    this.#bar.max = sizeOf(manifest, paths);
    this.#bar.value = 0;
    await this.#site.keep(paths, (bytes) => {
      this.#bar.value = bytes;
    });
  }

  async #delete() {
    this.#started = false;
    this.#clear.disabled = true;
    try {
      // A cache that is read while it is deleted would come into being again, empty.
      await this.#reading.catch(() => {});
      await this.#site.clear();
      this.#tell("nothing kept", "Nothing of the page is kept any more; the next visit keeps it again.");
    } catch (error) {
      this.#tell("", messageOf(error));
    }
    this.#keep.hidden = this.#clear.hidden = true;
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
    const kept = await this.#site.paths();
    if (!this.#started) return;
    // Asking for an adapter only to show a size would wake the GPU at every visit.
    const likely = this.#backend ?? ("gpu" in navigator ? "webgpu" : "wasm");
    const missing = modelFiles(manifest, likely).filter((path) => !kept.has(path));
    const size = megabytes(sizeOf(manifest, [...kept]));
    this.#tell(
      `ready, ${size}`,
      missing.length > 0
        ? `The page works without a network; ${size} are kept on this machine. AutoGaze is kept when it is first used.`
        : `The page and AutoGaze work without a network; ${size} are kept on this machine.`,
    );
    this.#keep.textContent = `Keep AutoGaze too (up to ${megabytes(sizeOf(manifest, missing))})`;
    this.#keep.hidden = missing.length === 0;
    this.#clear.hidden = false;
  }

  /**
   * @param {string} hint
   * @param {string} sentence
   */
  #tell(hint, sentence) {
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
 * What AutoGaze needs besides the page: ONNX Runtime, the built-in model, and the graphs for NVIDIA's.
 * @param {import("./cached_site.mjs").Manifest} manifest
 * @param {import("../../wasm_bridge/autogaze.mjs").BackendName} backend
 */
function modelFiles({ files }, backend) {
  return [...ortFiles(backend), ...Object.keys(files).filter((path) => /^(graphs|built-in)\//.test(path))];
}

/**
 * @param {import("./cached_site.mjs").Manifest} manifest
 * @param {string[]} paths
 */
function sizeOf({ files }, paths) {
  return paths.reduce((sum, path) => sum + (files[path]?.bytes ?? 0), 0);
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
