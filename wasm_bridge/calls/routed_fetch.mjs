/**
 * Requests to hosts that this worker's Content-Security-Policy excludes, made by a document that may contact them once
 * the user has agreed: `web/model/other_hosts_frame.mjs`. Requests to all other hosts are made by `fetch`.
 * @module
 */

/**
 * Who makes the requests to these origins.
 * @typedef {{ origins: string[], port: MessagePort }} Route
 *
 * What is sent through the port of a route: a request and, as a transferred port, where to answer it; or another port
 * for requests of another worker.
 * @typedef {{ url: string, headers: Record<string, string> } | { connect: true }} RouteRequest
 *
 * What the requester of a file sends, and what it gets. Each `pull` is answered by one chunk, `done` or an error.
 * @typedef {"pull" | "cancel"} FromReader
 * @typedef {(
 *   | { status: number, headers: [string, string][] }
 *   | { chunk: Uint8Array<ArrayBuffer> }
 *   | { done: true }
 *   | { error: string }
 * )} ToReader
 */

// A `Response` of these must not have one.
const WITHOUT_BODY = [204, 205, 304];

/** @type {Map<string, MessagePort>} */
const ports = new Map();

/** Has requests to some origins made by another document from now on. @param {Route} route */
export function useRoute({ origins, port }) {
  for (const origin of origins) ports.set(origin, port);
}

/**
 * The route to an address for another worker.
 * @param {string} url
 * @returns {Route | undefined} undefined if requests there need none
 */
export function routeTo(url) {
  const origin = URL.parse(url)?.origin ?? "";
  const port = ports.get(origin);
  if (!port) return undefined;
  const { port1, port2 } = new MessageChannel();
  port.postMessage(/** @type {RouteRequest} */ ({ connect: true }), [port2]);
  return { origins: [origin], port: port1 };
}

/**
 * `fetch`, through the route to the address if there is one.
 * @param {string | URL} url
 * @param {Omit<RequestInit, "headers"> & { headers?: Record<string, string>, signal?: AbortSignal }} [init] a routed
 *   request uses `headers` and `signal`, has no referrer and is not cached
 * @returns {Promise<Response>}
 * @throws {TypeError} if there is no response
 */
export function routedFetch(url, init = {}) {
  const { href, origin } = new URL(url);
  const port = ports.get(origin);
  return port ? fetchThrough(port, href, init) : fetch(href, { referrerPolicy: "no-referrer", ...init });
}

/**
 * @param {MessagePort} port
 * @param {string} url
 * @param {{ headers?: Record<string, string>, signal?: AbortSignal }} init
 * @returns {Promise<Response>}
 */
function fetchThrough(port, url, { headers = {}, signal }) {
  signal?.throwIfAborted();
  const { port1, port2 } = new MessageChannel();
  const send = (/** @type {FromReader} */ message) => port1.postMessage(message);
  /** @type {ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined} */
  let controller;
  const body = new ReadableStream(
    {
      start(own) {
        controller = own;
      },
      pull: () => send("pull"),
      cancel: () => end("cancel"),
    },
    { highWaterMark: 0 },
  );
  /** @param {FromReader} [last] */
  const end = (last) => {
    if (last) send(last);
    port1.close();
  };
  return new Promise((resolve, reject) => {
    const fail = (/** @type {unknown} */ reason) => {
      controller?.error(reason);
      reject(reason);
    };
    signal?.addEventListener("abort", () => {
      end("cancel");
      fail(signal.reason);
    });
    port1.onmessage = ({ data }) => {
      const answer = /** @type {ToReader} */ (data);
      if ("status" in answer) {
        const isEmpty = WITHOUT_BODY.includes(answer.status);
        if (isEmpty) end();
        resolve(new Response(isEmpty ? null : body, answer));
      } else if ("chunk" in answer) controller?.enqueue(answer.chunk);
      else if ("done" in answer) {
        controller?.close();
        end();
      } else {
        end();
        fail(new TypeError(answer.error));
      }
    };
    port.postMessage(/** @type {RouteRequest} */ ({ url, headers }), [port2]);
  });
}
