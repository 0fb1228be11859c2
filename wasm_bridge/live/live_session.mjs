/**
 * What the worker behind the page does once Python runs: answers the calls of `protocol.mjs`.
 * @module
 */

import { messageOf } from "../calls/error_text.mjs";
import { FileError } from "../calls/limited_fetch.mjs";
import { useRoute } from "../calls/routed_fetch.mjs";
import { Serializer } from "../calls/serializer.mjs";
import { FileStore } from "../files/file_store.mjs";
import { deleteModels, storedModels } from "../files/model_files.mjs";
import { ModelHost } from "../model/model_host.mjs";
import { FrameTap } from "../panels/frame_tap.mjs";
import { pngOf } from "../panels/panel_picture.mjs";
import { NumpyExtras } from "../python/python_host.mjs";
import { withMemory } from "../python/python_memory.mjs";
import { CanvasRequests } from "./canvas_requests.mjs";
import { DelayedRedraw } from "./delayed_redraw.mjs";
import { FrameLoop } from "./frame_loop.mjs";
import { LivePanels } from "./live_panels.mjs";
import { LivePlane } from "./live_plane.mjs";
import { ShownPanels } from "./shown_panels.mjs";

/** @import { CallContext } from "../calls/call_types.mjs" */
/** @import { ModelRequest } from "../model/model_request.mjs" */
/** @import { LiveEncoder } from "./live_encoder.mjs" */
/** @import { LiveCalls, LiveWorkerEvents, OffscreenPanels, OptionValues } from "./protocol.mjs" */

/** @typedef {<Name extends keyof LiveWorkerEvents>(event: Name, detail: LiveWorkerEvents[Name]) => void} Emit */

export class LiveSession {
  #session;
  #emit;
  #host;
  #canvases;
  #panels;
  #plane;
  /** Who is to do the pixel work. @type {unknown} */
  #pixels;
  #loop;
  #redraw;
  #numpyExtras;
  #pyodide;
  #siteUrl;
  /** @type {Promise<LiveEncoder> | undefined} */
  #encoder;
  /** Runs frames, and anything that must not run during a frame, one at a time. */
  #serializer = new Serializer();

  /**
   * @param {any} pyodide
   * @param {OffscreenPanels} canvases
   * @param {string} siteUrl
   * @param {Emit} emit
   */
  constructor(pyodide, canvases, siteUrl, emit) {
    this.#emit = emit;
    this.#pyodide = pyodide;
    this.#siteUrl = siteUrl;
    this.#session = pyodide.pyimport("autogaze_web.page.live_session").PageSession();
    this.#numpyExtras = new NumpyExtras(pyodide, siteUrl);
    this.#plane = new LivePlane(
      this.#session,
      (message) => emit("pixels-note", { message }),
      () => this.#host.model?.runner.device,
    );
    this.#canvases = new CanvasRequests((drawn) => emit("canvases-wanted", { drawn }));
    this.#panels = new LivePanels(this.#session, new ShownPanels(canvases, this.#canvases), this.#plane);
    this.#host = new ModelHost(pyodide, this.#session, siteUrl, this.#serializer);
    this.#loop = new FrameLoop(this.#session, this.#host, this.#panels, this.#plane, this.#serializer);
    this.#redraw = new DelayedRedraw(this.#loop, (redrawn) => emit("redraw", redrawn));
    this.#reportModel();
    // For tests and measurements; see docs/architecture.md.
    const encoderCounters = async () => (await this.#encoder)?.counters;
    Object.assign(globalThis, {
      autogaze: { pyodide, host: this.#host, plane: this.#plane, encoderCounters },
    });
    this.#configure({});
    this.#reportStorage();
  }

  /** @type {Omit<LiveCalls, "start" | "ping">} */
  handlers = {
    setOptions: ({ values }) => this.#configure(values),
    startStream: ({ stream }) => this.#loop.startStream(stream),
    frame: ({ stream, frame }) => this.#loop.process(stream, frame, () => this.#redraw.cancel()),
    takeCanvases: ({ canvases }) => this.#canvases.receive(canvases),
    screensFail: () => {
      this.#canvases.possible = false;
      this.#redraw.request();
    },
    redraw: () => this.#redraw.request(),
    refresh: () => this.#session.refresh(),
    record: ({ frames, fromStart }) => this.#loop.recorder.record(frames, fromStart),

    loadModel: ({ request, route }, context) => {
      if (route) useRoute(route);
      return this.#loadModel(request, context);
    },
    limitTokens: ({ maxTokens }) => this.#host.limitTokens(maxTokens),
    cancelModel: () => this.#host.cancel(),
    unloadModel: () => {
      this.#host.cancel();
      return this.#host.unload();
    },
    deleteStoredModels: () => this.#deleteStoredModels(),

    startEncoder: async (how, { progress }) => {
      await (await this.#liveEncoder()).start(how, progress);
      this.#reportStorage();
    },
    stopEncoder: async () => (await this.#encoder)?.stop(),

    startTap: ({ port, choice }) => {
      this.#loop.tap?.end();
      this.#loop.tap = new FrameTap(port, choice);
    },
    endTap: () => this.#loop.tap?.end(),
    compare: ({ how, canvases }) => this.#serializer.run(() => this.#panels.compare(how, canvases)),

    picture: ({ choice }) => this.#serializer.run(async () => pngOf(await this.#panels.pictures(), choice)),
    cells: () => this.#serializer.run(() => JSON.parse(this.#session.cells())),
    gazedFrame: (_nothing, { transfer }) =>
      this.#serializer.run(async () => {
        const list = JSON.parse(this.#session.cells());
        const { input, output } = await this.#panels.bitmaps();
        transfer(input, output);
        return { ...list, input, output };
      }),
    file: ({ kind, video }, { transfer }) =>
      this.#serializer.run(() => {
        const bytes = withMemory(this.#session.file(kind, video), (memory) => new Uint8Array(memory));
        transfer(bytes.buffer);
        return bytes;
      }),
    gazeFile: ({ request }, { transfer }) =>
      this.#serializer.run(() => {
        const file = this.#session.gaze_file(JSON.stringify(request));
        const bytes = withMemory(file, (memory) => new Uint8Array(memory));
        transfer(bytes.buffer);
        return bytes;
      }),
    setHook: ({ code }) =>
      this.#serializer.run(async () => {
        if (code) await this.#numpyExtras.load();
        return JSON.parse(this.#session.set_hook(code));
      }),
    modules: () => this.#serializer.run(() => JSON.parse(this.#session.modules())),
    source: ({ module }) => this.#serializer.run(() => this.#session.source(module)),
  };

  /** @param {OptionValues} values */
  #configure(values) {
    try {
      this.#session.configure(JSON.stringify(values));
      if (values.pixels !== this.#pixels) this.#plane.reconsider();
      this.#pixels = values.pixels;
    } catch (error) {
      this.#emit("options-error", { message: messageOf(error) });
    }
  }

  /**
   * @param {ModelRequest} request
   * @param {CallContext} context
   */
  async #loadModel(request, { progress }) {
    try {
      const loaded = await this.#host.load(request, { onProgress: progress });
      this.#reportStorage();
      return loaded;
    } catch (error) {
      // The page cancelled it or asked for another one.
      if (error instanceof DOMException && error.name === "AbortError") return null;
      throw error;
    }
  }

  /** Only a page that shows what an encoder sees needs its modules. */
  #liveEncoder() {
    this.#encoder ??= import("./live_encoder.mjs")
      .catch(() => {
        throw new FileError("A part of the page is missing: reload it.");
      })
      .then(
        ({ LiveEncoder }) =>
          new LiveEncoder(
            this.#pyodide,
            this.#session,
            this.#siteUrl,
            this.#emit,
            () => this.#loop.startedStream,
            this.#serializer,
          ),
      );
    this.#encoder.catch(() => {
      this.#encoder = undefined;
    });
    return this.#encoder;
  }

  /** Reports what the host does by itself. */
  #reportModel() {
    const [host, emit] = [this.#host, this.#emit];
    host.on("cells", () => this.#redraw.showNewCells());
    host.on("lost", (detail) => emit("model-lost", detail));
    host.on("restart-progress", (detail) => emit("model-progress", detail));
    host.on("restarted", (detail) => emit("model-ready", detail));
    host.on("restart-failed", (detail) => emit("model-error", detail));
    host.on("stopped", (detail) => emit("model-stopped", detail));
  }

  async #deleteStoredModels() {
    try {
      await deleteModels(await FileStore.open());
    } catch (error) {
      this.#emit("model-note", { message: messageOf(error) });
    }
    await this.#reportStorage();
  }

  async #reportStorage() {
    const files = await storedModels(await FileStore.open());
    this.#emit("storage", { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) });
  }
}
