/**
 * How the panels are shown: side by side or one over the other with a handle, zoomed together, in full screen, popped out.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { Extent } from "./zoom.mjs" */

import { element, showText } from "../page/element.mjs";
import { showError } from "../page/notice.mjs";
import { bindSelect, follow } from "../settings/bound_controls.mjs";
import { moved, WHOLE, zoomed } from "./zoom.mjs";

const STEP = 1.5;
const KEY_STEP = 0.1;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @param {{ view: LiveView, settings: Settings, player: SourcePlayer }} page */
export function addViewBar({ view, settings, player }) {
  const panels = element("panels", HTMLElement);
  bindSelect("view", settings, "view");
  const split = element("split", HTMLInputElement);
  follow(settings, () => {
    const chosen = String(settings.values.view);
    const other = chosen === "input-mask" ? "mask" : "output";
    panels.classList.toggle("compared", chosen !== "panels");
    for (const name of ["mask", "output"])
      element(name, HTMLCanvasElement)
        .closest(".panel")
        ?.classList.toggle("unused", name !== other);
    split.setAttribute("aria-label", `How much of the input is shown, against the ${other}`);
  });
  const showSplit = () => panels.style.setProperty("--split", `${split.value}%`);
  split.addEventListener("input", showSplit);
  showSplit();
  const zoom = new Zoom(panels);
  player.on("opening", () => zoom.show(WHOLE));
  addFullscreen(element("stage", HTMLElement));
  addPictureInPicture(view, settings);
}

class Zoom {
  #panels;
  /** @type {Extent} */
  #extent = WHOLE;
  #reset = element("zoom-reset", HTMLButtonElement);
  /** The pointers that are down, in shares of the picture. @type {Map<number, { x: number, y: number }>} */
  #pointers = new Map();

  /** @param {HTMLElement} panels */
  constructor(panels) {
    this.#panels = panels;
    element("zoom-in", HTMLButtonElement).addEventListener("click", () =>
      this.show(zoomed(this.#extent, STEP)),
    );
    element("zoom-out", HTMLButtonElement).addEventListener("click", () =>
      this.show(zoomed(this.#extent, 1 / STEP)),
    );
    this.#reset.addEventListener("click", () => this.show(WHOLE));
    this.#reset.parentElement?.addEventListener("keydown", (event) => {
      const [dx = 0, dy = 0] = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)] ?? [];
      if (this.#extent.zoom === 1 || (dx === 0 && dy === 0)) return;
      event.preventDefault();
      this.show(moved(this.#extent, dx * KEY_STEP, dy * KEY_STEP));
    });
    // The wheel alone scrolls the page; with Ctrl, or by a pinch on a touchpad, it zooms.
    panels.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    panels.addEventListener("pointerdown", (event) => this.#down(event));
    panels.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"]))
      panels.addEventListener(type, ({ pointerId }) => this.#pointers.delete(pointerId));
  }

  /** @param {Extent} extent */
  show(extent) {
    this.#extent = extent;
    const { zoom, x, y } = extent;
    this.#panels.style.setProperty("--zoom", String(zoom));
    this.#panels.style.setProperty("--left", `${100 * x}%`);
    this.#panels.style.setProperty("--top", `${100 * y}%`);
    this.#panels.classList.toggle("zoomed", zoom > 1);
    const text = `${Math.round(100 * zoom)} %`;
    showText(this.#reset, text);
    this.#reset.ariaLabel = `Zoom: ${text}. Press for the whole picture`;
    this.#reset.disabled = zoom === 1;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const at = event.ctrlKey && place(event);
    if (!at) return;
    event.preventDefault();
    this.show(zoomed(this.#extent, Math.exp(-event.deltaY / 200), at.x, at.y));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    const at = place(event);
    if (at && event.button === 0) this.#pointers.set(event.pointerId, at);
  }

  /** @param {PointerEvent} event one pointer moves the picture, two zoom it */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    const at = before && place(event);
    if (!at) return;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, at);
    if (other) {
      const factor = distance(at, other) / Math.max(distance(before, other), 0.01);
      this.show(zoomed(this.#extent, factor, (at.x + other.x) / 2, (at.y + other.y) / 2));
    } else this.show(moved(this.#extent, at.x - before.x, at.y - before.y));
  }
}

/**
 * Where an event is in the picture under it, in shares of that; undefined elsewhere and on the handle.
 * @param {MouseEvent} event
 */
function place({ target, clientX, clientY }) {
  if (!(target instanceof Element) || target.matches("input")) return undefined;
  const picture = target.closest(".picture");
  if (!picture) return undefined;
  const { left, top, width, height } = picture.getBoundingClientRect();
  return { x: (clientX - left) / width, y: (clientY - top) / height };
}

/** @param {{ x: number, y: number }} one @param {{ x: number, y: number }} other */
function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

/** @param {HTMLElement} stage */
function addFullscreen(stage) {
  const button = element("fullscreen", HTMLButtonElement);
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    const change = document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen();
    change.catch(showError);
  });
  document.addEventListener("fullscreenchange", () => {
    showText(button, document.fullscreenElement ? "Leave full screen" : "Full screen");
  });
}

/**
 * A small window over all others, with the panel that the view compares the input with.
 * @param {LiveView} view
 * @param {Settings} settings
 */
function addPictureInPicture(view, settings) {
  const button = element("pip", HTMLButtonElement);
  button.hidden = !(document.pictureInPictureEnabled && "captureStream" in HTMLCanvasElement.prototype);
  const canvas = document.createElement("canvas");
  const video = document.createElement("video");
  video.muted = true;
  const draw = () => {
    const panel = element(settings.values.view === "input-output" ? "output" : "mask", HTMLCanvasElement);
    if (canvas.width !== panel.width || canvas.height !== panel.height)
      Object.assign(canvas, { width: panel.width, height: panel.height });
    canvas.getContext("2d")?.drawImage(panel, 0, 0);
  };
  view.on("frame", () => document.pictureInPictureElement === video && requestAnimationFrame(draw));
  button.addEventListener("click", async () => {
    try {
      if (document.pictureInPictureElement) return await document.exitPictureInPicture();
      draw();
      video.srcObject ??= canvas.captureStream();
      await video.play();
      await video.requestPictureInPicture();
    } catch (error) {
      showError(error);
    }
  });
}
