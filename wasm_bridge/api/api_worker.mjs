/**
 * The worker of one `AutoGaze` object: it runs Python and, if there is one, the model on the frames of a clip or
 * stream. It handles the calls of `protocol.mjs` one at a time.
 * @module
 */

import { Serializer } from "../calls/serializer.mjs";
import { serveCalls } from "../calls/serve_calls.mjs";
import { ModelHost } from "../model/model_host.mjs";
import { PanelCanvas } from "../panels/panel_canvas.mjs";
import { startPython } from "../python/python_host.mjs";
import { withMemory } from "../python/python_memory.mjs";
import { copyRows, writeRows } from "../python/rgba_rows.mjs";
import { ApiModel } from "./api_model.mjs";

/** @import { ApiCalls, FrameAnswer, Rgba } from "./protocol.mjs" */

/** @type {any} the `ClipSession` of `py/autogaze_web/page/clip_session.py`, as a Pyodide proxy */
let session;
/** @type {ModelHost} */
let host;
/** Undefined for patch-diff. @type {ApiModel | undefined} */
let model;
/** @type {PanelCanvas | undefined} */
let canvas;

/** @type {ApiCalls} */
const calls = {
  async create({ siteUrl, settings, model: parts }, { signal, progress }) {
    const pyodide = await startPython(siteUrl, progress);
    signal.throwIfAborted();
    session = pyodide.pyimport("autogaze_web.page.clip_session").ClipSession();
    session.change(JSON.stringify(settings));
    host = new ModelHost(pyodide, session, siteUrl, new Serializer());
    let backend = "";
    if (parts) {
      const onLoaded = (/** @type {string} */ name, /** @type {string[]} */ notes) => {
        backend = name;
        emit("backend", name);
        for (const note of notes) emit("note", note);
      };
      host.on("lost", ({ message }) => emit("note", message));
      host.on("restarted", (loaded) => onLoaded(loaded.backend, loaded.notes));
      model = new ApiModel(host, session, siteUrl, parts, onLoaded);
      await model.fit(signal, progress);
    }
    return { settings: JSON.parse(session.settings()), backend, version: session.version() };
  },

  async change(changes, { signal, progress }) {
    const before = session.overrides();
    session.change(JSON.stringify(changes));
    try {
      await model?.fit(signal, progress);
    } catch (error) {
      session.restore(before);
      throw error;
    }
    return JSON.parse(session.settings());
  },

  async clip({ pixels, width, height, frames, settings, continued, panels }, context) {
    const { signal, progress, transfer } = context;
    const before = session.overrides();
    session.change(JSON.stringify(settings));
    try {
      await model?.fit(signal, progress);
      restart(continued);
      const loaded = host.model;
      const size = 4 * width * height;
      /** @type {FrameAnswer[]} */
      const answers = [];
      for (let index = 0; index < frames; index++) {
        await yieldToMessages();
        signal.throwIfAborted();
        host.requireSame(loaded);
        const frame = pixels.subarray(index * size, (index + 1) * size);
        const onTiles = (/** @type {number} */ done, /** @type {number} */ all) => {
          signal.throwIfAborted();
          if (done < all) progress("frames", index + done / all, frames);
        };
        answers.push(await step({ pixels: frame, width, height }, panels, signal, onTiles));
        progress("frames", index + 1, frames);
      }
      transfer(pixels.buffer, ...answers.flatMap(panelBuffers));
      return { frames: answers, pixels };
    } finally {
      session.restore(before);
    }
  },

  async restart(_, { signal, progress }) {
    await model?.fit(signal, progress);
    restart(false);
  },

  tileCount: ({ width, height }) => session.tile_count(height, width),

  async next({ frame, panels }, { signal, transfer }) {
    const { width, height } = frame;
    const pixels = "image" in frame ? draw(frame.image, width, height) : frame.pixels;
    const answer = await step({ pixels, width, height }, panels, signal, () => signal.throwIfAborted());
    transfer(...panelBuffers(answer), ...(panels ? [pixels.buffer] : []));
    return { ...answer, input: panels ? pixels : null };
  },

  gazeFile({ request }, { transfer }) {
    const file = session.gaze_file(JSON.stringify(request));
    const bytes = withMemory(file, (memory) => new Uint8Array(memory));
    transfer(bytes.buffer);
    return bytes;
  },

  drain() {},
};

/** @param {boolean} continued */
function restart(continued) {
  if (continued) session.continue_output();
  else session.restart();
}

/**
 * @param {{ pixels: Rgba, width: number, height: number }} frame
 * @param {boolean} panels
 * @param {AbortSignal} signal
 * @param {(done: number, all: number) => void} onTiles if it throws, the frame is aborted
 * @returns {Promise<FrameAnswer>}
 */
async function step({ pixels, width, height }, panels, signal, onTiles) {
  withMemory(session.frame_memory(height, width), (memory) => writeRows(memory, pixels, width));
  const work = () => session.step(onTiles);
  const facts = JSON.parse(await (model ? withModel(work, signal) : work()));
  const copy = (/** @type {any} */ array) => withMemory(array, (memory) => copyRows(memory, width, height));
  return {
    facts,
    mask: panels ? copy(session.mask_memory()) : null,
    output: panels ? copy(session.output_memory()) : null,
  };
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @param {AbortSignal} signal
 */
async function withModel(work, signal) {
  try {
    return await host.run(work, signal);
  } catch (error) {
    // After a failed run the model's context is incomplete.
    session.forget_context();
    throw error;
  }
}

/**
 * @param {VideoFrame | ImageBitmap} image
 * @param {number} width
 * @param {number} height
 */
function draw(image, width, height) {
  canvas ??= new PanelCanvas(new OffscreenCanvas(1, 1));
  try {
    return copyRows(canvas.drawImage(image, width, height), width, height);
  } finally {
    image.close();
  }
}

const toSelf = new MessageChannel();

/** Lets pending messages be handled, such as the cancellation of a call; setTimeout would take milliseconds. */
function yieldToMessages() {
  return new Promise((resolve) => {
    toSelf.port1.onmessage = resolve;
    toSelf.port2.postMessage(null);
  });
}

/**
 * @param {FrameAnswer} answer
 * @returns {ArrayBuffer[]}
 */
function panelBuffers({ mask, output }) {
  return [mask, output].flatMap((panel) => (panel ? [panel.buffer] : []));
}

const emit = serveCalls(calls, { serialize: true, drop: ({ frame }) => frame?.image?.close() });
