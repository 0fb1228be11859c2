/**
 * The page's side of `service_worker.mjs`: registers it, reads and extends its cache, and updates it.
 * @module
 */

import { registerServiceWorker } from "./registration.mjs";

const SITE = new URL("../../", import.meta.url).href;
const PREFIX = "autogaze-site ";

/** @typedef {{ start: string[], files: Record<string, { bytes: number }> }} Manifest */

/** The browser has no space for what was to be cached; the message is a sentence for the user. */
export class SpaceError extends Error {}

export class CachedSite {
  /** Called when a newer build is waiting to replace this one. @type {() => void} */
  onUpdate = () => {};
  /** Called when another tab has started a newer build. @type {() => void} */
  onReplaced = () => {};

  /** @type {ServiceWorkerRegistration | undefined} */
  #registration;
  #updating = false;

  /** Why the page cannot be cached here: a sentence for the user, empty if it can. */
  static get obstacle() {
    if (!globalThis.isSecureContext) return "Only pages opened over https or on localhost work offline.";
    if (!("serviceWorker" in navigator && "caches" in globalThis))
      return "This browser or window does not store pages for offline use.";
    return "";
  }

  /**
   * Has the site cached; resolves once it is.
   * @throws {Error} with a sentence for the user if the browser does not cache it
   */
  async start() {
    const container = navigator.serviceWorker;
    let controlled = container.controller !== null;
    container.addEventListener("controllerchange", () => {
      if (this.#updating) location.reload();
      else if (controlled) this.onReplaced();
      controlled = true;
    });
    try {
      // Fails where the browser refuses storage; a service worker would fail at it without a word.
      await caches.keys();
      this.#registration = await registerServiceWorker(`${SITE}service_worker.mjs`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      throw new Error(`This browser does not store the page for offline use (${reason}).`);
    }
    if (!this.#registration) throw new Error("This browser does not store the page for offline use.");
    this.#watch(this.#registration);
    await Promise.race([container.ready, failedInstallation(this.#registration)]);
  }

  /** @param {ServiceWorkerRegistration} registration */
  #watch(registration) {
    const notify = () => registration.waiting && navigator.serviceWorker.controller && this.onUpdate();
    notify();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", notify);
    });
  }

  /** Starts the waiting build; the page reloads. */
  update() {
    const waiting = this.#registration?.waiting;
    if (!waiting) {
      location.reload();
      return;
    }
    this.#updating = true;
    waiting.postMessage("take-over");
  }

  /** @returns {Promise<Manifest | null>} of the cached build, null if none is cached */
  async manifest() {
    const cache = await this.#cache();
    return (await cache?.match(`${SITE}build.json`))?.json() ?? null;
  }

  /** @returns {Promise<Set<string>>} the paths of all cached files */
  async paths() {
    const requests = (await (await this.#cache())?.keys()) ?? [];
    return new Set(requests.map(({ url }) => decodeURI(url.slice(SITE.length)) || "index.html"));
  }

  /**
   * Has more files of the site cached.
   * @param {string[]} paths
   * @param {(bytes: number) => void} onBytes
   * @throws {SpaceError} if they do not fit into the browser's storage
   * @throws {Error} with a sentence for the user
   */
  async add(paths, onBytes = () => {}) {
    const active = this.#registration?.active;
    if (!active) throw new Error("The page is not stored yet: try again in a moment.");
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((resolve, reject) => {
      port1.onmessage = async ({ data: { bytes, done, problem, isFull } }) => {
        if (isFull) reject(new SpaceError(await this.#spaceProblem("AutoGaze", paths)));
        else if (problem) reject(new Error(problem));
        else if (done) resolve(undefined);
        else onBytes(bytes);
      };
      active.postMessage({ cache: paths }, [port2]);
    });
    await answered.finally(() => port1.close());
  }

  /** Deletes everything cached of the site; the next visit caches it again. */
  async clear() {
    await this.#registration?.unregister();
    this.#registration = undefined;
    for (const name of await caches.keys()) if (name.startsWith(PREFIX)) await caches.delete(name);
  }

  /**
   * @param {string} what was to be stored
   * @param {string[]} paths of its files; the browser's figure of what is left excludes those that are stored
   */
  async #spaceProblem(what, paths) {
    const stored = await this.paths();
    return spaceProblem(
      what,
      await this.manifest(),
      paths.filter((path) => !stored.has(path)),
    );
  }

  async #cache() {
    for (const name of await caches.keys()) {
      const cache = name.startsWith(PREFIX) ? await caches.open(name) : null;
      // A build that is still being downloaded has no manifest yet.
      if (cache && (await cache.match(`${SITE}build.json`))) return cache;
    }
    return null;
  }
}

/**
 * Never resolves, since `ready` does not settle for a worker that could not be installed.
 * @param {ServiceWorkerRegistration} registration
 * @returns {Promise<never>}
 * @throws {Error} with a sentence for the user
 */
function failedInstallation(registration) {
  return new Promise((_, reject) => {
    const worker = registration.installing;
    const check = async () => {
      if (worker?.state !== "redundant" || registration.active) return;
      const manifest = await fetch(`${SITE}build.json`).then(
        (response) => response.json(),
        () => null,
      );
      reject(new SpaceError(await spaceProblem("The page", manifest, manifest?.start ?? [])));
    };
    worker?.addEventListener("statechange", check);
    check();
  });
}

/**
 * Why files could not be stored, with figures if the browser has too little space for them.
 * @param {string} what was to be stored
 * @param {Manifest | null} manifest null if it is unavailable
 * @param {string[]} paths of the files that are still to be stored
 */
async function spaceProblem(what, manifest, paths) {
  const needed = paths.reduce((sum, path) => sum + (manifest?.files[path]?.bytes ?? 0), 0);
  const { quota = Infinity, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {};
  const megabytes = (/** @type {number} */ bytes) => `${(Math.max(bytes, 0) / 1e6).toFixed(1)} MB`;
  const problem = `${what} could not be stored for offline use:`;
  if (quota - usage < needed)
    return (
      `${problem} it needs ${megabytes(needed)}, and this browser has ${megabytes(quota - usage)} left for this ` +
      "site. Free space, then reload the page."
    );
  return `${problem} a file did not arrive whole, or this browser has no space left. Reload the page to try again.`;
}
