/**
 * What the page's three canvases show: 2D canvases, or screens of the graphics card while that does the pixel work and
 * the page has canvases to give for it.
 * @module
 */

import { PanelCanvas } from "../panels/panel_canvas.mjs";

/** @import { PanelCanvases } from "../panels/panel_picture.mjs" */
/** @import { GpuPlane } from "../plane/gpu_plane.mjs" */
/** @import { GpuScreens } from "../plane/gpu_screens.mjs" */
/** @import { CanvasRequests } from "./canvas_requests.mjs" */
/** @import { OffscreenPanels } from "./protocol.mjs" */

/** @typedef {(canvases: OffscreenPanels) => Promise<GpuScreens>} OpenScreens */

export class ShownPanels {
  #requests;
  #open;
  /** Those on the page; of screens copies, which are only drawn for whoever asks. @type {PanelCanvases} */
  #panels;
  /** @type {GpuScreens | undefined} */
  #screens;

  /**
   * @param {OffscreenPanels} canvases without a context
   * @param {CanvasRequests} requests for others
   * @param {OpenScreens} open
   */
  constructor(canvases, requests, open = openScreens) {
    this.#requests = requests;
    this.#open = open;
    this.#panels = panelsOn(canvases);
  }

  /**
   * The panels for pixels in memory.
   * @returns {Promise<PanelCanvases>} that the page shows
   */
  async inMemory() {
    if (this.#screens) await this.#leaveScreens();
    return this.#panels;
  }

  /**
   * Gets canvases on which the graphics card can draw; call it before `showGpu`.
   * @param {GpuPlane} gpu
   */
  async forGpu(gpu) {
    const wanted = gpu.drawsOnScreens && this.#requests.possible;
    if (wanted && !this.#screens) await this.#enterScreens();
    else if (!wanted && this.#screens) await this.#leaveScreens();
  }

  /**
   * Shows what the graphics card has drawn.
   * @param {GpuPlane} gpu
   * @param {number} width of the frame
   * @param {number} height
   */
  async showGpu(gpu, width, height) {
    if (this.#screens) {
      gpu.showOn(this.#screens);
      return;
    }
    const { input, mask, output } = this.#panels;
    await gpu.show({
      frame: input.contextFor(width, height),
      mask: mask.contextFor(width, height),
      output: output.contextFor(width, height),
    });
  }

  /** The next pixels in memory are put on all of each panel. */
  forget() {
    for (const panel of Object.values(this.#panels)) panel.forget();
  }

  /**
   * The panels as they are, to be drawn on other canvases.
   * @param {GpuPlane | undefined} gpu
   * @returns {Promise<PanelCanvases>}
   * @throws {Error} if they were on a graphics card that is lost
   */
  async pictures(gpu) {
    if (this.#screens) {
      const shape = gpu?.shape;
      if (!gpu || !shape) {
        throw new Error(
          "The graphics card failed, and the picture is lost with it: press Start, then try again.",
        );
      }
      const { width, height } = shape;
      const names = /** @type {const} */ ({ input: "frame", mask: "mask", output: "output" });
      await Promise.all(
        Object.entries(names).map(async ([panel, name]) => {
          const rows = await gpu.readBack(name);
          const context = this.#panels[/** @type {keyof PanelCanvases} */ (panel)].contextFor(width, height);
          context.putImageData(new ImageData(rows, width, height), 0, 0);
        }),
      );
    }
    return this.#panels;
  }

  async #enterScreens() {
    const canvases = await this.#requests.request("webgpu");
    if (!canvases) return;
    try {
      this.#screens = await this.#open(canvases);
    } catch {
      this.#requests.possible = false;
      await this.#leaveScreens();
      return;
    }
    const copy = () => new PanelCanvas(new OffscreenCanvas(1, 1));
    this.#panels = { input: copy(), mask: copy(), output: copy() };
  }

  async #leaveScreens() {
    this.#screens?.close();
    this.#screens = undefined;
    const canvases = await this.#requests.request("2d");
    if (canvases) this.#panels = panelsOn(canvases);
  }
}

/**
 * @param {OffscreenPanels} canvases
 * @returns {PanelCanvases}
 */
function panelsOn({ input, mask, output }) {
  return { input: new PanelCanvas(input), mask: new PanelCanvas(mask), output: new PanelCanvas(output) };
}

/**
 * Only a page with its pixels on the graphics card needs the code.
 * @type {OpenScreens}
 */
async function openScreens(canvases) {
  const { GpuScreens } = await import("../plane/gpu_screens.mjs");
  return new GpuScreens(canvases);
}
