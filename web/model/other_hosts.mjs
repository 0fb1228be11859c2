/**
 * The route by which the worker loads a model from a host that the page's Content-Security-Policy excludes: a frame
 * with a policy of its own. Only the page can make it, and only for hosts that the user agreed to.
 * @module
 */

/** @import { Route } from "../../wasm_bridge/autogaze.mjs" */

// Hosts of `connect-src` in index.html, which the worker contacts itself.
const DIRECT = /^https:\/\/([^/]+\.)?(huggingface\.co|hf\.co)$/;

const TIMEOUT_MS = 30_000;
const MISSING = "A part of the page is missing: check the connection, then load the model again.";

/** @type {Promise<Window> | undefined} */
let frame;

/** Those that need a route. @param {string[]} origins of other sites */
export function routedOrigins(origins) {
  return origins.filter((origin) => !DIRECT.test(origin));
}

/**
 * @param {string[]} origins of other sites that the user agreed to
 * @returns {Promise<Route | undefined>} undefined if none of them needs a route
 * @throws {Error} with a sentence for the user if the frame cannot be loaded; the next call tries again
 */
export async function openRoute(origins) {
  const routed = routedOrigins(origins);
  if (routed.length === 0) return undefined;
  frame ??= addFrame().catch((error) => {
    frame = undefined;
    throw error;
  });
  const loaded = await frame;
  const { port1, port2 } = new MessageChannel();
  loaded.postMessage({ origins: routed }, location.origin, [port2]);
  return { origins: routed, port: port1 };
}

/** @returns {Promise<Window>} that of the frame, whose script listens */
async function addFrame() {
  const added = document.createElement("iframe");
  added.hidden = true;
  added.src = new URL("other_hosts.html", import.meta.url).href;
  document.body.append(added);
  await new Promise((resolve) => {
    added.addEventListener("load", resolve, { once: true });
    AbortSignal.timeout(TIMEOUT_MS).addEventListener("abort", resolve, { once: true });
  });
  // An error page loads, too, but bears no mark of the script, which has run by now.
  const { contentDocument, contentWindow } = added;
  if (contentWindow && contentDocument?.documentElement.dataset.listens) return contentWindow;
  added.remove();
  throw new Error(MISSING);
}
