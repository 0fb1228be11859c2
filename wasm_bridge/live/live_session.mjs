/**
 * What the worker behind the page does: takes frames, has Python process them, draws the three panels.
 * `live_worker.mjs` hands the messages of `protocol.mjs` over.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { ModelHost } from "../model/model_host.mjs";
import { ComparedPanels } from "../panels/compared_panels.mjs";
import { FrameTap } from "../panels/frame_tap.mjs";
import { PanelCanvas } from "../panels/panel_canvas.mjs";
import { pngOf } from "../panels/panel_picture.mjs";
import { addMoreNumpy } from "../python/python_host.mjs";
import { withMemory } from "../python/python_memory.mjs";
import { copyRows } from "../python/rgba_rows.mjs";

/** @typedef {import("./protocol.mjs").ToWorker} ToWorker */
/** @typedef {import("./protocol.mjs").FromWorker} FromWorker */
/** @typedef {import("./protocol.mjs").Frame} Frame */
/** @typedef {import("./protocol.mjs").FrameReport} FrameReport */
/** @typedef {import("./protocol.mjs").RecordedFrame} RecordedFrame */
/** @typedef {Exclude<import("./protocol.mjs").Question, { type: "ping" }>} PythonQuestion */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** @type {{ input: PanelCanvas, mask: PanelCanvas, output: PanelCanvas }} */
let panels;
/** @type {any} the `PageSession` of `py/autogaze_web/page/live_session.py`, as a Pyodide proxy */
let session;
/** @type {ModelHost | undefined} */
let host;
/** Makes numpy.fft, random and polynomial importable. @type {() => Promise<void>} */
let loadMoreNumpy = async () => {};
/** @type {import("./protocol.mjs").OptionValues} */
let options = {};
let stream = 0;
let startedStream = 0;
// Frames and changes of the model wait for each other: a model answers later.
let working = Promise.resolve();
/** @type {RecordedFrame[]} */
let recorded = [];
let framesToRecord = 0;
let recordNextStream = false;
// A picture that stands still is shown once more when its cells have come.
const STILL_MS = 250;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let still;
// Many changes in a row show it once.
let againWanted = false;
/** @type {FrameTap | undefined} */
let tap;
/** @type {ComparedPanels | undefined} */
let comparedPanels;
let comparing = false;

/**
 * Does what the page asks for; before Python is there, as far as that goes without.
 * @param {Exclude<ToWorker, { type: "start" }>} message
 */
export function handle(message) {
  switch (message.type) {
    case "options":
      options = message.values;
      if (session) configure();
      break;
    case "stream":
      stream = message.stream;
      break;
    case "again":
      if (!againWanted) inTurn(again);
      againWanted = true;
      break;
    case "frame":
      inTurn(() => work(message.stream, message.frame));
      break;
    case "model-load":
      host?.load(message.request, message.load);
      break;
    case "model-cancel":
      host?.cancel();
      break;
    case "model-unload":
      host?.cancel();
      inTurn(async () => host?.unload());
      break;
    case "storage-delete":
      host?.deleteStored();
      break;
    case "record":
      recorded = [];
      framesToRecord = message.frames;
      recordNextStream = message.fromStart;
      break;
    case "tap":
      tap?.end();
      tap = new FrameTap(message.port, message.choice);
      break;
    case "untap":
      tap?.end();
      break;
    case "compare":
      if (message.panels) comparedPanels = new ComparedPanels(message.panels);
      comparing = message.wanted;
      session?.compare(comparing);
      break;
    case "ping":
      send({ type: "answer", number: message.number });
      break;
    case "picture":
    case "file":
    case "hook":
    case "modules":
    case "source":
      inTurn(() => answer(message));
      break;
  }
}

/**
 * @param {() => Promise<void>} task
 * @returns {Promise<void>} of the task itself
 */
function inTurn(task) {
  const done = working.then(task);
  working = done.catch(() => {});
  return done;
}

/**
 * Frames can be worked on from now on.
 * @param {import("./protocol.mjs").Panels} canvases
 * @param {string} siteUrl
 * @param {any} pyodide
 */
export function start(canvases, siteUrl, pyodide) {
  panels = {
    input: new PanelCanvas(canvases.input, { readable: true }),
    mask: new PanelCanvas(canvases.mask),
    output: new PanelCanvas(canvases.output),
  };
  loadMoreNumpy = once(() => addMoreNumpy(pyodide, siteUrl));
  session = pyodide.pyimport("autogaze_web.page.live_session").PageSession();
  host = new ModelHost(pyodide, session, siteUrl, inTurn, send, cellsCame);
  // For tests and measurements; see docs/architecture.md.
  Object.assign(globalThis, { autogaze: { pyodide, host } });
  configure();
  session.compare(comparing);
  send({ type: "ready" });
  host.tellStored();
}

function configure() {
  try {
    session.configure(JSON.stringify(options));
  } catch (error) {
    send({ type: "options-fault", message: messageOf(error) });
  }
}

/**
 * @param {number} frameStream
 * @param {Frame} frame
 */
async function work(frameStream, frame) {
  try {
    if (frameStream !== stream) return;
    if (stream !== startedStream) restart();
    const begun = performance.now();
    take(frame);
    const taken = performance.now();
    /** @type {FrameReport} */
    const report = JSON.parse(host?.model ? await session.process_with_model() : session.process());
    if (frameStream !== stream) return;
    clearTimeout(still);
    const made = performance.now();
    showPanels(report);
    report.worker_ms = { capture: taken - begun, draw: performance.now() - made };
    if (host?.model) report.runner = { ...host.model.runner.counters };
    if (framesToRecord > 0 && !recordNextStream) record(report);
    if (tap && !tap.ended) await tap.take(panels);
    send({ type: "done", stream: frameStream, report });
  } catch (error) {
    send({ type: "frame-fault", message: messageOf(error), stream: frameStream });
  } finally {
    if ("image" in frame) frame.image.close();
  }
}

/** @param {PythonQuestion} question */
async function answer(question) {
  const { number } = question;
  try {
    if (!session) throw new Error("Python is still being loaded: wait until it is there.");
    const value = await valueFor(question);
    // A file may be long: the page is given it, without a copy.
    send({ type: "answer", number, value }, value instanceof Uint8Array ? [value.buffer] : []);
  } catch (error) {
    send({ type: "answer", number, problem: messageOf(error) });
  }
}

/** @param {PythonQuestion} question */
async function valueFor(question) {
  switch (question.type) {
    case "picture":
      return pngOf(panels, question.choice);
    case "file":
      return withMemory(session.file(question.kind, question.video), (memory) => new Uint8Array(memory));
    case "hook":
      if (question.code) await loadMoreNumpy();
      return JSON.parse(session.set_hook(question.code));
    case "modules":
      return JSON.parse(session.modules());
    case "source":
      return session.source(question.module);
  }
}

function restart() {
  startedStream = stream;
  recordNextStream = false;
  session.restart();
}

function cellsCame() {
  clearTimeout(still);
  still = setTimeout(() => inTurn(() => repeat()), STILL_MS);
}

/** Shows the last frame as settings and mask source would have it now. */
function again() {
  againWanted = false;
  return repeat(true);
}

/** Shows the last frame with the cells that have come since. */
async function repeat(changed = false) {
  if (stream !== startedStream) return;
  const text = await session?.redraw(changed);
  // A model may have taken its time.
  if (!text || stream !== startedStream) return;
  /** @type {FrameReport} */
  const report = JSON.parse(text);
  showPanels(report);
  report.worker_ms = { capture: 0, draw: 0 };
  send({ type: "repeated", stream, report });
}

/**
 * Brings a frame into Python's memory and onto the input panel.
 * @param {Frame} frame
 */
function take(frame) {
  const { width, height } = frame;
  if ("image" in frame) {
    const pixels = panels.input.drawImage(frame.image, width, height, frame.mirror);
    withMemory(session.frame_memory(height, width), (memory) => memory.set(pixels));
  } else {
    session.draw_synthetic(frame.synthetic, frame.index, height, width);
    withMemory(session.frame_memory(height, width), (memory) =>
      panels.input.putPixels(memory, width, height),
    );
  }
}

/** @param {FrameReport} report */
function showPanels(report) {
  show("mask", report.mask_box, report);
  show("output", report.output_box, report);
  if (report.compared && comparing) comparedPanels?.show(session, report.compared);
}

/**
 * @param {"mask" | "output"} name
 * @param {[number, number, number, number]} box
 * @param {FrameReport} report
 */
function show(name, box, { width, height }) {
  withMemory(session[`${name}_memory`](), (memory) => panels[name].putPixels(memory, width, height, box));
}

/** @param {FrameReport} report */
function record(report) {
  const { width, height } = report;
  /** @param {"input" | "mask" | "output"} name */
  const copy = (name) => withMemory(session[`${name}_memory`](), (memory) => copyRows(memory, width, height));
  recorded.push({ report, input: copy("input"), mask: copy("mask"), output: copy("output") });
  framesToRecord -= 1;
  if (framesToRecord > 0) return;
  send({ type: "recorded", frames: recorded });
  recorded = [];
}

/**
 * @param {() => Promise<void>} task tried again only after it failed
 * @returns {() => Promise<void>}
 */
function once(task) {
  /** @type {Promise<void> | undefined} */
  let done;
  return () => {
    done ??= task().catch(() => {
      // A hook that needs it is told by its import; the next one tries again.
      done = undefined;
    });
    return done;
  };
}

/**
 * @param {FromWorker} message
 * @param {Transferable[]} [transfer]
 */
function send(message, transfer = []) {
  scope.postMessage(message, transfer);
}
