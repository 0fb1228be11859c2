/**
 * The page's side of `service_worker.mjs`: registering it, what it keeps, and its updates.
 * @module
 */

const SITE = new URL("../../", import.meta.url).href;
const PREFIX = "autogaze-site ";

/** @typedef {{ start: string[], files: Record<string, { bytes: number }> }} Manifest */

export class KeptSite {
  /** Called when another build waits to take this one's place. @type {() => void} */
  onUpdate = () => {};
  /** Called when another tab has started another build. @type {() => void} */
  onReplaced = () => {};

  /** @type {ServiceWorkerRegistration | undefined} */
  #registration;
  #asked = false;

  /** Why nothing can be kept here: a sentence for the user, empty if it can. */
  static get obstacle() {
    if (!globalThis.isSecureContext)
      return "Only pages opened by https or on localhost can be kept for use without a network.";
    if (!("serviceWorker" in navigator && "caches" in globalThis))
      return "This browser or window keeps no pages for use without a network.";
    return "";
  }

  /**
   * Has the site kept; resolves when it is.
   * @throws {Error} with a sentence for the user if the browser keeps nothing
   */
  async start() {
    const container = navigator.serviceWorker;
    let controlled = container.controller !== null;
    container.addEventListener("controllerchange", () => {
      if (this.#asked) location.reload();
      else if (controlled) this.onReplaced();
      controlled = true;
    });
    try {
      this.#registration = await container.register(`${SITE}service_worker.mjs`, { updateViaCache: "none" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      throw new Error(`This browser does not keep the page for use without a network (${reason}).`);
    }
    if (!this.#registration)
      throw new Error("This browser does not keep the page for use without a network.");
    this.#watch(this.#registration);
    await container.ready;
  }

  /** @param {ServiceWorkerRegistration} registration */
  #watch(registration) {
    const tell = () => registration.waiting && navigator.serviceWorker.controller && this.onUpdate();
    tell();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", tell);
    });
  }

  /** Starts the build that waits; the page is loaded again. */
  update() {
    const waiting = this.#registration?.waiting;
    if (!waiting) {
      location.reload();
      return;
    }
    this.#asked = true;
    waiting.postMessage("take-over");
  }

  /** @returns {Promise<Manifest | null>} of the kept build, null if none is kept */
  async manifest() {
    const cache = await this.#cache();
    return (await cache?.match(`${SITE}build.json`))?.json() ?? null;
  }

  /** @returns {Promise<Set<string>>} the paths of all files that are kept */
  async paths() {
    const requests = (await (await this.#cache())?.keys()) ?? [];
    return new Set(requests.map(({ url }) => decodeURI(url.slice(SITE.length)) || "index.html"));
  }

  /**
   * Has further files of the site kept.
   * @param {string[]} paths
   * @param {(bytes: number) => void} onBytes
   * @throws {Error} with a sentence for the user
   */
  async keep(paths, onBytes = () => {}) {
    const active = this.#registration?.active;
    if (!active) throw new Error("The page is not kept yet: try again in a moment.");
    const { port1, port2 } = new MessageChannel();
    await new Promise((resolve, reject) => {
      port1.onmessage = ({ data: { bytes, done, problem } }) => {
        if (problem) reject(new Error(problem));
        else if (done) resolve(undefined);
        else onBytes(bytes);
      };
      active.postMessage({ keep: paths }, [port2]);
    });
  }

  /** Deletes all that is kept of the site; the next visit begins anew. */
  async clear() {
    await this.#registration?.unregister();
    this.#registration = undefined;
    for (const name of await caches.keys()) if (name.startsWith(PREFIX)) await caches.delete(name);
  }

  async #cache() {
    for (const name of await caches.keys()) {
      const cache = name.startsWith(PREFIX) ? await caches.open(name) : null;
      // A build that is still being fetched has no manifest yet, one that waits is not this page's.
      if (cache && (await cache.match(`${SITE}build.json`))) return cache;
    }
    return null;
  }
}
