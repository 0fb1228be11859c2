/**
 * What the page needs of a browser.
 * @module
 */

const NEEDED = {
  WebAssembly: () => typeof WebAssembly === "object",
  "module workers": () => typeof Worker === "function",
  OffscreenCanvas: () => "transferControlToOffscreen" in HTMLCanvasElement.prototype,
  "video frame callbacks": () => "requestVideoFrameCallback" in HTMLVideoElement.prototype,
};

/** @returns {string | null} a sentence for the user if this browser lacks something */
export function missingFeature() {
  const missing = Object.entries(NEEDED).filter(([, has]) => !has());
  if (missing.length === 0) return null;
  const names = missing.map(([name]) => name).join(", ");
  return `This browser lacks ${names}, which the page needs. Use a current Chrome, Edge, Firefox or Safari.`;
}
