/**
 * The worker behind the page. Python takes longest to start, so that begins before the other modules are fetched.
 * `live_client.mjs` is the other side, `live_session.mjs` does the work.
 * @module
 */

import { serveCalls } from "../calls/serve_calls.mjs";
import { startPython } from "../python/python_host.mjs";

/** @import { LiveCalls } from "./protocol.mjs" */

const sessionModule = import("./live_session.mjs").catch(() => {
  throw new Error(
    "A part of the page is missing: reload it; if that does not help, the site's files are incomplete.",
  );
});
sessionModule.catch(() => {}); // `start` throws it
/** Pyodide, once started. @type {any} */
let python;
/** @type {(handlers: any) => void} */
let sessionStarted = () => {};
/** @type {(reason: unknown) => void} */
let sessionFailed = () => {};
/** The calls that Python answers. @type {Promise<any>} */
const session = new Promise((resolve, reject) => {
  [sessionStarted, sessionFailed] = [resolve, reject];
});
session.catch(() => {}); // `start` throws it too

/** @type {Pick<LiveCalls, "start" | "ping">} */
const calls = {
  async start({ canvases, siteUrl }, { progress }) {
    try {
      const [pyodide, { LiveSession }] = await Promise.all([startPython(siteUrl, progress), sessionModule]);
      python = pyodide;
      sessionStarted(new LiveSession(pyodide, canvases, siteUrl, emit).handlers);
    } catch (error) {
      sessionFailed(error);
      throw error;
    }
  },

  /** Calls Python, which throws once it has ended. */
  ping() {
    python?.runPython("0");
  },
};

const emit = serveCalls(calls, { later: session });
