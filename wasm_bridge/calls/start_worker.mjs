/**
 * Starts a worker of ours, from wherever our modules lie.
 * @module
 */

/**
 * @param {URL} url of the worker's module
 * @returns {Worker}
 */
export function startWorker(url) {
  if (url.origin === location.origin) return new Worker(url, { type: "module" });
  // A worker must be of the page's own origin, but may import from others that allow it (CORS).
  const module = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const address = URL.createObjectURL(module);
  const worker = new Worker(address, { type: "module" });
  worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
  return worker;
}
