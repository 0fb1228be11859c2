/**
 * What the page needs from a browser.
 * @module
 */

const REQUIRED = {
  WebAssembly: () => typeof WebAssembly === "object",
  "module workers": () => typeof Worker === "function",
  OffscreenCanvas: () => "transferControlToOffscreen" in HTMLCanvasElement.prototype,
  "video frame callbacks": () => "requestVideoFrameCallback" in HTMLVideoElement.prototype,
};

/** @throws {Error} with a sentence for the user if this browser lacks a feature */
export function requireBrowserFeatures() {
  const missing = Object.entries(REQUIRED)
    .filter(([, isSupported]) => !isSupported())
    .map(([name]) => name);
  if (missing.length === 0) return;
  throw new Error(
    `This browser lacks ${missing.join(", ")}, which the page needs. Use a current Chrome, Edge, Firefox or Safari.`,
  );
}
