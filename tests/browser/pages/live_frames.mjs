/**
 * What the page under test makes of its frames: recording them, feeding it, waiting for it.
 * @module
 */

import { base64 } from "./base64.mjs";

/** @typedef {import("../../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */
/** @typedef {import("../../../web/sources/source_player.mjs").SourcePlayer} SourcePlayer */
/** @typedef {import("../../../web/settings/settings.mjs").Settings} Settings */

/** The page's parts, as it publishes them for tests. */
export function pageParts() {
  return /** @type {{ autogaze: { view: LiveView, player: SourcePlayer, settings: Settings } }} */ (
    /** @type {unknown} */ (globalThis)
  ).autogaze;
}

/**
 * Opens a source again and records its first frames.
 * @param {number} count
 * @param {string} source empty for the present one
 * @param {number} timeout in milliseconds
 * @returns {Promise<object[]>} the report of each frame, and its panels in Base64
 */
export async function record(count, source, timeout) {
  const { view, player } = pageParts();
  const recording = view.record(count, { fromStart: true });
  player.open(source || player.name);
  const late = new Promise((_, reject) => {
    setTimeout(reject, timeout, new Error(`fewer than ${count} frames came`));
  });
  const frames = /** @type {Awaited<typeof recording>} */ (await Promise.race([recording, late]));
  return frames.map(encoded);
}

/**
 * A recorded frame with its panels in Base64.
 * @param {import("../../../wasm_bridge/live/protocol.mjs").RecordedFrame} frame
 */
export function encoded({ report, ...panels }) {
  return {
    report,
    ...Object.fromEntries(Object.entries(panels).map(([name, bytes]) => [name, base64(bytes)])),
  };
}

/**
 * Sends frames of a synthetic source as a stream of their own, one after the other.
 * @param {string} source
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @returns {Promise<FrameReport[]>}
 */
export async function play(source, count, width, height) {
  const { view, player } = pageParts();
  player.close();
  view.newStream();
  const reports = [];
  for (let index = 0; index < count; index++) {
    const done = nextFrame(view);
    view.send({ synthetic: source, index, width, height });
    reports.push(await done);
  }
  return reports;
}

/** @param {LiveView} view @returns {Promise<FrameReport>} */
export function nextFrame(view) {
  return new Promise((resolve) => view.on("frame", resolve, { once: true }));
}

/**
 * Waits until N more frames have been shown; of two the second was captured after this call.
 * @param {number} count
 */
export async function waitFrames(count) {
  const { view } = pageParts();
  for (let frames = 0; frames < count; frames++) await nextFrame(view);
}

/**
 * The pixels that a panel's canvas shows now.
 * @param {string} name
 * @returns {[pixels: string, height: number, width: number]} RGBA in Base64
 */
export function shown(name) {
  const { data, width, height } = pixelsOf(name);
  return [base64(data), height, width];
}

/** @param {string} name of a panel */
export function pixelsOf(name) {
  const panel = document.getElementById(name);
  if (!(panel instanceof HTMLCanvasElement)) throw new Error(`there is no panel ${name}`);
  const { width, height } = panel;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) throw new Error("there is no canvas");
  context.drawImage(panel, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/**
 * What the worker has drawn once it is done with all frames: its first answer comes after the frame in work,
 * upon which the page sends the one that waited.
 * @param {("input" | "mask" | "output")[]} panels
 * @returns {Promise<string[]>} PNGs in Base64
 */
export async function drawn([first = "input", ...others]) {
  const { view } = pageParts();
  await view.picture(first);
  const pictures = await Promise.all([first, ...others].map((name) => view.picture(name)));
  return Promise.all(pictures.map(async (blob) => base64(new Uint8Array(await blob.arrayBuffer()))));
}

/**
 * Reports of a source's first frames, the source opened again for it.
 * @param {number} count
 * @param {number} timeout in milliseconds
 * @returns {Promise<FrameReport[]>}
 */
export function firstReports(count, timeout) {
  const { view, player } = pageParts();
  return new Promise((resolve, reject) => {
    /** @type {FrameReport[]} */
    const reports = [];
    setTimeout(reject, timeout, new Error("too few frames"));
    view.on("frame", (report) => {
      if (reports.length < count && reports.push(report) === count) resolve(reports);
    });
    player.open(player.name);
  });
}

/** Pauses at a frame of some motion, once the output has been built up from cells for a while. */
export async function pauseInMotion() {
  const { view, player } = pageParts();
  let report = await nextFrame(view);
  while (report.index < 30 || report.cells < 12) report = await nextFrame(view);
  player.pause();
  // What the worker drew is on the page a little later.
  await new Promise((resolve) => setTimeout(resolve, 300));
}

/** The trace of the stream, as the page exports it. */
export async function traceText() {
  const { view, player } = pageParts();
  const video = { name: player.title, width: 1, height: 1 };
  const framesPerSecond = (await player.playback?.framesPerSecond()) ?? null;
  return new TextDecoder().decode(await view.file("trace", { ...video, framesPerSecond }));
}

/** Ends the track that the page plays, as an unplugged camera or a screen no longer shared does. */
export function endTrack() {
  const { srcObject } = /** @type {HTMLVideoElement} */ (document.getElementById("video"));
  const [track] = /** @type {MediaStream} */ (srcObject).getVideoTracks();
  track?.stop();
  track?.dispatchEvent(new Event("ended"));
}

/** Stops the source; nothing is processed or drawn until a source is opened. */
export function stop() {
  pageParts().player.close();
}

/**
 * Puts the page into the state in which a query opens it: every setting, the source from its start, the model
 * loaded again. Python stays, which takes the longest to start.
 * @param {string} query
 */
export async function reopen(query) {
  const { view, player, settings } = pageParts();
  const { parseQuery } = /** @type {typeof import("../../../web/settings/options.mjs")} */ (
    await import(new URL("web/settings/options.mjs", document.baseURI).href)
  );
  const { values, problems } = parseQuery(settings.table, query);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  player.close();
  settings.set({ ...values, "mask-source": "patch-diff" });
  settings.set(values);
  const first = nextFrame(view);
  // Another source was opened by its setting.
  if (player.state === "stopped") player.open(String(values.source));
  // A file has to be chosen first.
  if (values.source !== "file") await first;
}
