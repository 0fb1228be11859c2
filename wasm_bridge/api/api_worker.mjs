/**
 * The worker of one `AutoGaze` object: Python, perhaps a model, and the frames of a clip or stream.
 * The messages are those of `protocol.mjs`; `worker_calls.mjs` is the other side.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { PanelCanvas } from "../panels/panel_canvas.mjs";
import { startPython } from "../python/python_host.mjs";
import { withMemory } from "../python/python_memory.mjs";
import { copyRows, writeRows } from "../python/rgba_rows.mjs";
import { ApiModel, GPU_LOST } from "./api_model.mjs";

/** @typedef {import("./protocol.mjs").Calls} Calls */
/** @typedef {import("./protocol.mjs").Changes} Changes */
/** @typedef {import("./protocol.mjs").FrameAnswer} FrameAnswer */
/** @typedef {import("./protocol.mjs").FromApiWorker} FromApiWorker */
/** @typedef {import("./protocol.mjs").ToApiWorker} ToApiWorker */

/**
 * How a call is being made.
 * @typedef {{ signal: AbortSignal, progress: (step: string, done: number, total: number) => void }} How
 */

/**
 * @template Given, Value
 * @typedef {(given: Given, how: How) => Value | Promise<Value>} Worked
 */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** @type {any} the `ClipSession` of `py/autogaze_web/page/clip_session.py`, as a Pyodide proxy */
let session;
/** @type {ApiModel | undefined} */
let model;
/** @type {PanelCanvas | undefined} */
let canvas;
/** @type {Map<number, AbortController>} */
const running = new Map();
let last = Promise.resolve();

/** @type {{ [Name in keyof Calls]: Worked<Parameters<Calls[Name]>[0], ReturnType<Calls[Name]>> }} */
const calls = {
  async create({ siteUrl, settings, model: parts }, { signal, progress }) {
    const pyodide = await startPython(siteUrl, progress);
    signal.throwIfAborted();
    session = pyodide.pyimport("autogaze_web.page.clip_session").ClipSession();
    session.change(JSON.stringify(settings));
    if (parts) {
      model = new ApiModel(pyodide, session, siteUrl, parts, tell);
      await model.load(signal, progress);
    }
    return {
      settings: JSON.parse(session.settings()),
      backend: model?.backend ?? "",
      version: session.version(),
    };
  },

  async change(changes, { signal, progress }) {
    const before = session.given();
    session.change(JSON.stringify(changes));
    try {
      await model?.fit(signal, progress);
    } catch (error) {
      session.restore(before);
      throw error;
    }
    return JSON.parse(session.settings());
  },

  async clip({ pixels, width, height, frames, settings, continued, panels }, { signal, progress }) {
    const before = session.given();
    session.change(JSON.stringify(settings));
    try {
      await model?.fit(signal, progress);
      restart(continued);
      const begunWith = model?.loaded;
      const size = 4 * width * height;
      /** @type {FrameAnswer[]} */
      const answers = [];
      for (let index = 0; index < frames; index++) {
        await otherMessages();
        signal.throwIfAborted();
        if (model?.loaded !== begunWith) throw new Error(GPU_LOST);
        const frame = pixels.subarray(index * size, (index + 1) * size);
        const tiles = (/** @type {number} */ done, /** @type {number} */ all) => {
          signal.throwIfAborted();
          if (done < all) progress("frames", index + done / all, frames);
        };
        answers.push(await step(frame, width, height, panels, tiles));
        progress("frames", index + 1, frames);
      }
      return { frames: answers, pixels };
    } finally {
      session.restore(before);
    }
  },

  async restart(_, { signal, progress }) {
    await model?.fit(signal, progress);
    restart(false);
    return null;
  },

  tileCount({ width, height }) {
    return session.tile_count(height, width);
  },

  async next({ frame, panels }, { signal }) {
    const { width, height } = frame;
    const pixels = "image" in frame ? draw(frame.image, width, height) : frame.pixels;
    const answer = await step(pixels, width, height, panels, () => signal.throwIfAborted());
    return { ...answer, input: panels ? pixels : null };
  },
};

scope.onmessage = ({ data }) => {
  const message = /** @type {ToApiWorker} */ (data);
  if ("cancel" in message) running.get(message.cancel)?.abort();
  else {
    const controller = new AbortController();
    running.set(message.id, controller);
    last = last.then(() => answer(message, controller.signal));
  }
};

/**
 * @param {Extract<ToApiWorker, { id: number }>} message
 * @param {AbortSignal} signal
 */
async function answer({ id, call, given }, signal) {
  try {
    signal.throwIfAborted();
    const work = /** @type {Worked<any, any>} */ (calls[call]);
    const value = await work(given, { signal, progress: (...progress) => tell({ id, progress }) });
    scope.postMessage({ id, value }, buffersOf(value));
  } catch (error) {
    tell({ id, error: messageOf(error) });
  } finally {
    running.delete(id);
  }
}

/** @param {boolean} continued */
function restart(continued) {
  if (continued) session.forget_context();
  else session.restart();
}

/**
 * @param {import("./protocol.mjs").Rgba} pixels
 * @param {number} width
 * @param {number} height
 * @param {boolean} panels
 * @param {(done: number, all: number) => void} onTiles what it throws calls off the rest of the frame
 * @returns {Promise<FrameAnswer>}
 */
async function step(pixels, width, height, panels, onTiles) {
  withMemory(session.frame_memory(height, width), (memory) => writeRows(memory, pixels, width));
  const work = () => session.step(onTiles);
  const facts = JSON.parse(await (model ? model.gazing(work) : work()));
  /** @param {any} memory */
  const copy = (memory) => withMemory(memory, (rows) => copyRows(rows, width, height));
  return {
    facts,
    mask: panels ? copy(session.mask_memory()) : null,
    output: panels ? copy(session.output_memory()) : null,
  };
}

/**
 * @param {VideoFrame | ImageBitmap} image
 * @param {number} width
 * @param {number} height
 */
function draw(image, width, height) {
  canvas ??= new PanelCanvas(new OffscreenCanvas(1, 1), { readable: true });
  try {
    return copyRows(canvas.drawImage(image, width, height), width, height);
  } finally {
    image.close();
  }
}

const toSelf = new MessageChannel();

/** Lets messages in, such as that a call is cancelled; a timeout would take milliseconds. */
function otherMessages() {
  return new Promise((resolve) => {
    toSelf.port1.onmessage = resolve;
    toSelf.port2.postMessage(null);
  });
}

/**
 * The pixels in an answer, to be given away with it.
 * @param {any} value
 * @returns {ArrayBuffer[]}
 */
function buffersOf(value) {
  if (value === null || typeof value !== "object") return [];
  if (value instanceof Uint8ClampedArray) return [/** @type {ArrayBuffer} */ (value.buffer)];
  return "frames" in value || "facts" in value || Array.isArray(value)
    ? Object.values(value).flatMap(buffersOf)
    : [];
}

/** @param {FromApiWorker} message */
function tell(message) {
  scope.postMessage(message);
}
