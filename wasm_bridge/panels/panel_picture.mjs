/**
 * Pictures of the panels: one of them, or all three side by side below their names.
 * @module
 */

/** @import { PanelCanvas } from "./panel_canvas.mjs" */

/** @typedef {{ input: PanelCanvas, mask: PanelCanvas, output: PanelCanvas }} PanelCanvases */

/**
 * What a picture or a recording shows: one panel, or all three side by side.
 * @typedef {"panels" | "input" | "mask" | "output"} PictureChoice
 */

const NAMES = /** @type {const} */ (["input", "mask", "output"]);
const CAPTION_HEIGHT = 28;
const GAP = 4;
const GROUND = "#101217";
const TEXT = "#eceef3";

/**
 * The size of a picture: even, because most video encoders want it so.
 * @param {PanelCanvases} panels
 * @param {PictureChoice} choice
 */
function sizeOf(panels, choice) {
  const { width, height } = panels.output.canvas;
  const [w, h] = choice === "panels" ? [3 * width + 2 * GAP, height + CAPTION_HEIGHT] : [width, height];
  return { width: w + (w % 2), height: h + (h % 2) };
}

/**
 * Draws a picture on an opaque dark ground.
 * @param {OffscreenCanvas} canvas takes the picture's size
 * @param {PanelCanvases} panels
 * @param {PictureChoice} choice
 */
export function drawPicture(canvas, panels, choice) {
  const { width, height } = sizeOf(panels, choice);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw the picture: use a newer one.");
  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, height);
  if (choice !== "panels") {
    context.drawImage(panels[choice].canvas, 0, 0);
    return;
  }
  context.fillStyle = TEXT;
  context.font = "600 16px system-ui, sans-serif";
  context.textBaseline = "middle";
  NAMES.forEach((name, index) => {
    const left = index * (panels.output.canvas.width + GAP);
    context.fillText(name[0]?.toUpperCase() + name.slice(1), left + 8, CAPTION_HEIGHT / 2);
    context.drawImage(panels[name].canvas, left, CAPTION_HEIGHT);
  });
}

/**
 * A picture as PNG; one panel alone keeps its size and its transparency.
 * @param {PanelCanvases} panels
 * @param {PictureChoice} choice
 * @returns {Promise<Blob>}
 */
export function pngOf(panels, choice) {
  if (choice !== "panels") return panels[choice].canvas.convertToBlob();
  const canvas = new OffscreenCanvas(1, 1);
  drawPicture(canvas, panels, choice);
  return canvas.convertToBlob();
}
