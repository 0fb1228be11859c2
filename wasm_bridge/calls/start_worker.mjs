/**
 * Starts a worker of ours, from wherever our modules lie.
 *
 * A worker from the network has the policy of its own response, and most hosts send none. One from a `blob:` address
 * inherits the policy of whoever starts it: where a document's Content-Security-Policy says `worker-src blob:`, no
 * worker, nor a worker's worker, is outside that policy.
 * @module
 */

const ONLY_BLOBS = "meta[http-equiv=Content-Security-Policy][content*='worker-src blob:']";

/** The browser's own, once `letWorkersInherit` has put another in its place. @type {typeof Worker | undefined} */
let OwnWorker;

/**
 * @param {URL} url of the worker's module
 * @returns {Worker}
 */
export function startWorker(url) {
  // A worker must be of the page's own origin, but may import from others that allow it (CORS).
  if (url.origin !== location.origin || mustInherit()) return startFromBlob(url, { type: "module" });
  return new Worker(url, { type: "module" });
}

/** Has the workers that a library starts here inherit the policy, too, if this worker inherited it. */
export function letWorkersInherit() {
  if (!mustInherit() || OwnWorker) return;
  const Own = globalThis.Worker;
  OwnWorker = Own;
  globalThis.Worker = /** @type {any} */ (
    function startInherited(/** @type {string | URL} */ address, /** @type {WorkerOptions} */ options) {
      const url = new URL(address);
      return url.protocol === "blob:" ? new Own(url, options) : startFromBlob(url, options);
    }
  );
}

function mustInherit() {
  if (location.protocol === "blob:") return true;
  const { document } = /** @type {{ document?: { querySelector?: (selectors: string) => unknown } }} */ (
    globalThis
  );
  return Boolean(document?.querySelector?.(ONLY_BLOBS));
}

/**
 * @param {URL} url
 * @param {WorkerOptions} options
 */
function startFromBlob(url, options) {
  const address = URL.createObjectURL(new Blob([moduleThatImports(url)], { type: "text/javascript" }));
  // The fragment names the file in developer tools.
  const worker = new (OwnWorker ?? Worker)(`${address}#${url.pathname}`, options);
  worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
  return worker;
}

/**
 * The import is dynamic because static ones are under `worker-src`, dynamic ones under `script-src`. Messages that
 * arrive before the module listens are passed to it then.
 * @param {URL} url
 */
function moduleThatImports({ href }) {
  return `const early = [];
const keep = (event) => {
  event.stopImmediatePropagation();
  early.push(event);
};
addEventListener("message", keep);
import(${JSON.stringify(href)}).then(() => {
  removeEventListener("message", keep);
  for (const { data, ports } of early) dispatchEvent(new MessageEvent("message", { data, ports: [...ports] }));
}, reportError);`;
}
