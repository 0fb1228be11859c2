/**
 * Explains the cells of the mask: the one under the pointer or finger, and all of one frame in their order in a replay.
 * @module
 */

/** @import { CellList, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { PaletteTable } from "../page/palettes.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { showError } from "../page/notice.mjs";
import { gridsOf } from "../settings/options.mjs";
import { cellAt, cellTexts, containedArea } from "./cell_facts.mjs";

const MARGIN = 12;

/**
 * @param {{ view: LiveView, settings: Settings, player: SourcePlayer }} page
 * @param {PaletteTable} palettes
 */
export function addGaze({ view, settings, player }, palettes) {
  const inspector = new CellInspector(view, settings);
  player.on("opening", () => inspector.hide());
  const open = element("replay-open", HTMLButtonElement);
  const setReady = (/** @type {boolean} */ ready) => {
    open.disabled = !ready;
  };
  setReady(false);
  view.on("frame", () => setReady(true));
  player.on("opening", () => setReady(false));
  view.on("restart", () => setReady(false));
  open.addEventListener("click", async () => {
    inspector.hide();
    try {
      const [{ Replay }, frame] = await Promise.all([import("./replay.mjs"), view.gazedFrame()]);
      new Replay(frame, palettes, settings).open();
    } catch (error) {
      showError(error);
    }
  });
}

/** The cell under the pointer: an outline around it and a text beside it. */
class CellInspector {
  #view;
  #settings;
  #tip = element("cell-tip", HTMLElement);
  #outline = element("cell-outline", HTMLElement);
  /** Where the pointer is, or was when a finger tapped. @type {{ x: number, y: number } | undefined} */
  #pointer;
  #tapped = false;
  #asking = false;

  /**
   * @param {LiveView} view
   * @param {Settings} settings
   */
  constructor(view, settings) {
    this.#view = view;
    this.#settings = settings;
    // The canvas itself is replaced when Python is started again.
    const picture = element("mask", HTMLCanvasElement).parentElement;
    picture?.addEventListener("pointermove", (event) => this.#follow(event));
    picture?.addEventListener("click", (event) => this.#follow(event));
    picture?.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && this.hide());
    document.addEventListener("pointerdown", ({ target }) => {
      if (!(target instanceof Node && picture?.contains(target))) this.hide();
    });
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.hide());
    window.addEventListener("scroll", () => (this.#tapped ? this.hide() : this.#update()), { passive: true });
    // What a finger tapped stays, because cells come and go faster than anybody reads.
    view.on("frame", () => this.#tapped || this.#update());
    view.on("redraw", () => this.#tapped || this.#update());
    view.on("restart", () => this.hide());
  }

  hide() {
    this.#pointer = undefined;
    this.#tip.hidden = this.#outline.hidden = true;
  }

  /** @param {MouseEvent} event a finger that moves scrolls the page */
  #follow(event) {
    this.#tapped = event instanceof PointerEvent && event.pointerType !== "mouse";
    if (this.#tapped && event.type !== "click") return;
    this.#pointer = { x: event.clientX, y: event.clientY };
    this.#update();
  }

  /** Asks for the cells of the frame in view, one question at a time. */
  async #update() {
    if (!this.#pointer || this.#asking) return;
    this.#asking = true;
    try {
      const list = await this.#view.cells();
      if (this.#pointer) this.#show(list, this.#pointer);
    } catch {
      this.hide(); // the worker has ended, which the page reports
    } finally {
      this.#asking = false;
    }
  }

  /**
   * @param {CellList} list
   * @param {{ x: number, y: number }} pointer
   */
  #show(list, pointer) {
    const area = containedArea(element("mask", HTMLCanvasElement).getBoundingClientRect(), list);
    const place = [(pointer.x - area.left) / area.width, (pointer.y - area.top) / area.height];
    const hidden = gridsOf(String(this.#settings.values["hidden-scales"]));
    const index = cellAt(list, place[0] ?? 0, place[1] ?? 0, hidden);
    const row = list.cells[index];
    this.#tip.hidden = this.#outline.hidden = !row;
    if (!row) return;
    const { title, facts } = cellTexts(list, index);
    const head = document.createElement("strong");
    head.textContent = title;
    this.#tip.replaceChildren(head, facts);
    const [, y0, x0, y1, x1] = row;
    const [across, down] = [area.width / list.width, area.height / list.height];
    moveTo(this.#outline, area.left + x0 * across, area.top + y0 * down);
    this.#outline.style.width = `${(x1 - x0) * across}px`;
    this.#outline.style.height = `${(y1 - y0) * down}px`;
    // Beside the pointer, within the window.
    const { offsetWidth, offsetHeight } = this.#tip;
    const left = Math.min(pointer.x + MARGIN, innerWidth - offsetWidth - MARGIN);
    const above = pointer.y - offsetHeight - MARGIN;
    moveTo(this.#tip, Math.max(left, MARGIN), above > 0 ? above : pointer.y + 2 * MARGIN);
  }
}

/**
 * @param {HTMLElement} box
 * @param {number} left in pixels of the window
 * @param {number} top
 */
function moveTo(box, left, top) {
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}
