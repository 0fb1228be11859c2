/**
 * Registers the service worker from a frame with a policy of its own: the page's Content-Security-Policy allows only
 * workers that inherit it, and a service worker inherits none.
 * @module
 */

const TIMEOUT_MS = 30_000;

/**
 * @param {string} url of the service worker, which is at the root of its scope
 * @returns {Promise<ServiceWorkerRegistration | undefined>} undefined if the browser registers none
 * @throws {unknown} if the browser refuses it
 */
export async function registerServiceWorker(url) {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.src = new URL("registration.html", import.meta.url).href;
  const loaded = new Promise((resolve, reject) => {
    frame.addEventListener("load", resolve, { once: true });
    const late = () => reject(new Error("the server does not answer"));
    AbortSignal.timeout(TIMEOUT_MS).addEventListener("abort", late, { once: true });
  });
  document.body.append(frame);
  try {
    await loaded;
    await frame.contentWindow?.navigator.serviceWorker.register(url, { updateViaCache: "none" });
  } finally {
    frame.remove();
  }
  // That of the frame ended with it.
  return navigator.serviceWorker.getRegistration(url);
}
