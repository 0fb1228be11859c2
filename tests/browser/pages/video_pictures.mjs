/**
 * A page with one <video>, for the tests of the tests' own clips and cameras.
 * @module
 */

function video() {
  const found = document.querySelector("video");
  if (!found) throw new Error("there is no <video>");
  return found;
}

/**
 * Shows the frame of a video file at a time. From memory: a video can only be sought in if its server answers
 * range requests, and the tests' one does not.
 * @param {string} name
 * @param {number} time in seconds
 */
export async function seek(name, time) {
  const loaded = new Promise((resolve) => video().addEventListener("loadeddata", resolve));
  video().src = URL.createObjectURL(await (await fetch(new URL(name, document.baseURI))).blob());
  await loaded;
  const sought = new Promise((resolve) => video().addEventListener("seeked", resolve));
  const shown = untilShown(time);
  video().currentTime = time;
  await Promise.all([sought, shown]);
}

/**
 * Resolves when the frame of a time is on the screen, which may be after "seeked". Frames are shorter than 0.1 s.
 * @param {number} time in seconds
 */
function untilShown(time) {
  return new Promise((resolve) => {
    const look = (/** @type {number} */ _, /** @type {VideoFrameCallbackMetadata} */ { mediaTime }) => {
      if (mediaTime <= time && time - mediaTime < 0.1) resolve(undefined);
      else video().requestVideoFrameCallback(look);
    };
    video().requestVideoFrameCallback(look);
  });
}

export async function playCamera() {
  video().srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  await video().play();
}

/** What it shows. @returns {[width: number, height: number, pixels: number[]]} RGBA */
export function picture() {
  const { videoWidth, videoHeight } = video();
  const context = new OffscreenCanvas(videoWidth, videoHeight).getContext("2d");
  if (!context) throw new Error("there is no canvas");
  context.drawImage(video(), 0, 0);
  const { data } = context.getImageData(0, 0, videoWidth, videoHeight);
  return [videoWidth, videoHeight, Array.from(data)];
}

/** The architecture of the WebGPU adapter; Chromium has none for a moment after its start. */
export async function adapterArchitecture() {
  for (let attempt = 0; attempt < 20; attempt++) {
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter) return adapter.info.architecture;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

/** Whether the browser has a WebGPU adapter that is no software; on a page of the site. */
export async function hasHardwareAdapter() {
  const { isSoftware } = /** @type {typeof import("../../../wasm_bridge/runner/backend.mjs")} */ (
    await import(new URL("wasm_bridge/runner/backend.mjs", document.baseURI).href)
  );
  const adapter = await navigator.gpu?.requestAdapter();
  return Boolean(adapter && !isSoftware(adapter));
}
