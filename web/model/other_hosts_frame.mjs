/**
 * The script of `other_hosts.html`: makes requests to the hosts that the user agreed to, for a worker whose policy
 * excludes them. Its own policy allows every host, so it obeys nobody but the page around it.
 * @module
 */

/** @import { FromReader, RouteRequest, ToReader } from "../../wasm_bridge/autogaze.mjs" */

addEventListener("message", ({ source, origin, data, ports: [port] }) => {
  if (source !== parent || origin !== location.origin || !port) return;
  serve(port, new Set(data.origins));
});

// For `other_hosts.mjs`, which cannot tell from the event `load` that this script was there.
document.documentElement.dataset.listens = "true";

/**
 * @param {MessagePort} port
 * @param {Set<string>} origins
 */
function serve(port, origins) {
  port.onmessage = ({ data, ports: [answers] }) => {
    const request = /** @type {RouteRequest} */ (data);
    if (!answers) return;
    if ("connect" in request) serve(answers, origins);
    else if (origins.has(URL.parse(request.url)?.origin ?? "")) answer(answers, request);
    else send(answers, { error: "The user did not agree to contact this host." });
  };
}

/**
 * @param {MessagePort} port
 * @param {{ url: string, headers: Record<string, string> }} request
 */
async function answer(port, { url, headers }) {
  const cancelled = new AbortController();
  /** @type {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined} */
  let reader;
  port.onmessage = async ({ data }) => {
    const message = /** @type {FromReader} */ (data);
    if (message === "cancel") {
      cancelled.abort();
      port.close();
      return;
    }
    try {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (value) send(port, { chunk: value }, [value.buffer]);
      else if (done) send(port, { done: true });
    } catch {
      send(port, { error: "The connection broke off." });
    }
  };
  try {
    const response = await fetch(url, {
      headers,
      signal: cancelled.signal,
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    reader = response.body?.getReader();
    send(port, { status: response.status, headers: [...response.headers] });
  } catch {
    send(port, { error: "The host cannot be reached, or does not share the file." });
  }
}

/**
 * @param {MessagePort} port
 * @param {ToReader} message
 * @param {Transferable[]} [transfer]
 */
function send(port, message, transfer = []) {
  port.postMessage(message, transfer);
}
