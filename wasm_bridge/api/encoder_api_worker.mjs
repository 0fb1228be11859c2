/**
 * The worker of one `VisionEncoder`: it runs Python, which drives the encoder's own worker. It handles the calls of
 * `encoder_protocol.mjs` one at a time.
 * @module
 */

import { serveCalls } from "../calls/serve_calls.mjs";
import { EncoderFiles } from "../files/encoder_files.mjs";
import { FileStore } from "../files/file_store.mjs";
import { modelUrls } from "../files/model_source.mjs";
import { LoadedEncoder } from "../model/loaded_encoder.mjs";
import { PanelCanvas } from "../panels/panel_canvas.mjs";
import { startPython } from "../python/python_host.mjs";
import { unpacked, withMemory } from "../python/python_memory.mjs";
import { copyRows, writeRows } from "../python/rgba_rows.mjs";

/** @import { EncodedAnswer, EncoderApiCalls } from "./encoder_protocol.mjs" */
/** @import { ImageFrame, PixelFrame } from "./protocol.mjs" */

/** Python's `FrameEncoder`, as a Pyodide proxy. @type {any} */
let frames;
/** @type {LoadedEncoder} */
let encoder;
/** @type {PanelCanvas | undefined} */
let canvas;
/** @type {any} */
let python;

/** @type {EncoderApiCalls} */
const calls = {
  async create({ siteUrl, folder, files: chosen, graphs, ...options }, { signal, progress }) {
    python = await startPython(siteUrl, progress);
    signal.throwIfAborted();
    const source =
      chosen.length > 0
        ? { files: chosen }
        : { urls: modelUrls({ configUrl: `${folder}config.json`, weightsUrl: folder }, siteUrl) };
    const files = await EncoderFiles.open(source, {
      store: await FileStore.open(),
      signal,
      onProgress: (loaded, total) => progress("Loading the encoder", loaded, total),
    });
    encoder = await LoadedEncoder.load(python, files, { siteUrl, graphsUrl: graphs, ...options });
    signal.throwIfAborted();
    const module = python.pyimport("autogaze_web.page.frame_encoder");
    frames = module.FrameEncoder(encoder.python, encoder.bridge);
    module.destroy();
    const { backend, notes, description } = encoder;
    return { backend: backend.description, notes, description };
  },

  open: ({ stream, window }) => frames.open(stream, window ?? undefined),

  async close({ stream }) {
    frames.close(stream);
    await encoder.runner.forget(stream);
  },

  async encode({ stream, frame, tokens }, { transfer }) {
    const { width, height } = frame;
    const pixels = pixelsOf(frame);
    withMemory(frames.frame_memory(height, width), (memory) => writeRows(memory, pixels, width));
    const wanted = tokens ? python.toPy(tokens) : undefined;
    let answer;
    try {
      answer = await frames.encode(stream, wanted);
    } finally {
      wanted?.destroy();
    }
    const { arrays, times } = partsOf(answer);
    transfer(...new Set(Object.values(arrays).map(({ buffer }) => buffer)));
    return /** @type {EncodedAnswer} */ ({ ...arrays, ...times });
  },

  drain() {},
};

/**
 * @param {any} answer of `FrameEncoder.encode`, as a Pyodide proxy, which is destroyed
 */
function partsOf(answer) {
  let packed;
  try {
    const [header, memory] = answer.toJs({ depth: 1 });
    packed = memory;
    const { feeds, shapes: _, ...times } = JSON.parse(header);
    return { arrays: unpacked(feeds, packed), times };
  } finally {
    answer.destroy();
    packed?.destroy();
  }
}

/** @param {PixelFrame | ImageFrame} frame its image is closed */
function pixelsOf(frame) {
  if (!("image" in frame)) return frame.pixels;
  canvas ??= new PanelCanvas(new OffscreenCanvas(1, 1));
  try {
    return copyRows(canvas.drawImage(frame.image, frame.width, frame.height), frame.width, frame.height);
  } finally {
    frame.image.close();
  }
}

serveCalls(calls, { serialize: true, drop: ({ frame }) => frame?.image?.close() });
