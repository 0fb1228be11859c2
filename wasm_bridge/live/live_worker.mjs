/**
 * The worker behind the page. Python takes longest to start: it begins at once, while the rest is being fetched.
 * The messages are those of `protocol.mjs`; `live_client.mjs` is the other side, `live_session.mjs` does the work.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { startPython } from "../python/python_host.mjs";

/** @typedef {import("./protocol.mjs").FromWorker} FromWorker */
/** @typedef {import("./protocol.mjs").ToWorker} ToWorker */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));
const session = import("./live_session.mjs").catch(() => {
  throw new Error(
    "A part of the page is missing: reload it; if that does not help, the site's files are incomplete.",
  );
});
session.catch(() => {}); // told by `start`

scope.onmessage = ({ data }) => {
  /** @type {ToWorker} */
  const message = data;
  if (message.type === "start") start(message);
  else
    session.then(
      ({ handle }) => handle(message),
      () => {}, // told by `start`
    );
};

/** @param {Extract<ToWorker, { type: "start" }>} message */
async function start({ panels, siteUrl }) {
  try {
    const python = startPython(siteUrl, (step, loaded, total) =>
      send({ type: "progress", step, loaded, total }),
    );
    const [pyodide, live] = await Promise.all([python, session]);
    live.start(panels, siteUrl, pyodide);
  } catch (error) {
    send({ type: "start-fault", message: messageOf(error) });
  }
}

/** @param {FromWorker} message */
function send(message) {
  scope.postMessage(message);
}
