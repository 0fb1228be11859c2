/**
 * The route by which the worker loads a model from a host that the page's Content-Security-Policy excludes: a frame
 * with a policy of its own. Only the page can make it, and only for hosts that the user agreed to.
 * @module
 */

/** @import { Route } from "../../wasm_bridge/autogaze.mjs" */

// Hosts of `connect-src` in index.html, which the worker contacts itself.
const DIRECT = /^https:\/\/([^/]+\.)?(huggingface\.co|hf\.co)$/;

/** @type {Promise<HTMLIFrameElement> | undefined} */
let frame;

/** Those that need a route. @param {string[]} origins of other sites */
export function routedOrigins(origins) {
  return origins.filter((origin) => !DIRECT.test(origin));
}

/**
 * @param {string[]} origins of other sites that the user agreed to
 * @returns {Promise<Route | undefined>} undefined if none of them needs a route
 */
export async function openRoute(origins) {
  const routed = routedOrigins(origins);
  if (routed.length === 0) return undefined;
  frame ??= addFrame();
  const { port1, port2 } = new MessageChannel();
  // If the frame is missing, nobody answers, and the download ends at its time limit.
  (await frame).contentWindow?.postMessage({ origins: routed }, location.origin, [port2]);
  return { origins: routed, port: port1 };
}

/** @returns {Promise<HTMLIFrameElement>} once its script listens, which is before `load` */
function addFrame() {
  const added = document.createElement("iframe");
  added.hidden = true;
  added.src = new URL("other_hosts.html", import.meta.url).href;
  document.body.append(added);
  return new Promise((resolve) => added.addEventListener("load", () => resolve(added), { once: true }));
}
