/**
 * The replay of one frame's gaze: its cells appear in the order in which they were chosen, and rebuild the picture.
 * Fetched when it is opened.
 * @module
 */

/** @import { CellRow, GazedFrame } from "../../wasm_bridge/autogaze.mjs" */
/** @import { PaletteTable } from "../page/palettes.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */

import { element, showText } from "../page/element.mjs";
import { counted } from "../page/number_text.mjs";
import { shadeOf } from "../page/palettes.mjs";
import { gridsOf } from "../settings/options.mjs";
import { cellTexts, coveredShares, percentText, unitOf, visibleCells } from "./cell_facts.mjs";

const DURATION_MS = 6000;
const SLOWEST_MS = 500;
const FASTEST_MS = 25;
const DIMMED = "rgb(0 0 0 / 68%)";
const EMPTY = "#5b3a70";

/** Milliseconds from one of `count` cells to the next: all of them take about six seconds. @param {number} count */
export function pace(count) {
  return Math.min(Math.max(DURATION_MS / Math.max(count, 1), FASTEST_MS), SLOWEST_MS);
}

export class Replay {
  /** The frame with all its cells, those of hidden scales included. */
  #chosen;
  /** Which of them are shown. */
  #positions;
  #frame;
  #shares;
  #colour;
  #dialog = element("replay", HTMLDialogElement);
  #mask = element("replay-mask", HTMLCanvasElement);
  #output = element("replay-output", HTMLCanvasElement);
  #position = element("replay-position", HTMLInputElement);
  #play = element("replay-play", HTMLButtonElement);
  #step = element("replay-step", HTMLElement);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #closed = new AbortController();

  /**
   * @param {GazedFrame} frame its pictures are closed with the replay
   * @param {PaletteTable} palettes
   * @param {Settings} settings
   */
  constructor(frame, palettes, { values }) {
    const hidden = gridsOf(String(values["hidden-scales"]));
    this.#chosen = frame;
    this.#positions = visibleCells(frame, hidden);
    this.#frame = {
      ...frame,
      cells: this.#positions.flatMap((index) => frame.cells.slice(index, index + 1)),
    };
    this.#shares = coveredShares(this.#frame);
    this.#colour = (/** @type {number} */ grid) =>
      `rgb(${shadeOf(palettes, String(values.palette), grid)?.colour.join(" ") ?? "255 255 255"})`;
  }

  open() {
    const { cells, source, rebuilt, width, height } = this.#frame;
    const { signal } = this.#closed;
    for (const canvas of [this.#mask, this.#output]) Object.assign(canvas, { width, height });
    const unit = unitOf(source);
    const lead = rebuilt
      ? `The ${unit}s of one frame, one after another. Violet marks what they replace; the rest stays from earlier frames.`
      : `The ${unit}s of one frame, one after another, and the picture that they alone rebuild.`;
    showText(element("replay-lead", HTMLElement), lead);
    this.#position.max = String(cells.length);
    this.#position.value = "0";
    // At the first cell "Home" changes nothing, and no input event says that somebody has taken over.
    for (const taken of ["input", "keydown", "pointerdown"])
      this.#position.addEventListener(taken, (event) => isMove(event) && this.#pause(), { signal });
    this.#play.addEventListener("click", () => (this.#timer ? this.#pause() : this.#start()), { signal });
    element("replay-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close(), {
      signal,
    });
    this.#dialog.addEventListener("close", () => this.#close(), { signal });
    this.#dialog.showModal();
    this.#play.disabled = this.#position.disabled = cells.length === 0;
    if (cells.length > 0 && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.#start();
    else {
      this.#position.value = String(cells.length);
      this.#pause();
    }
  }

  get #count() {
    return Number(this.#position.value);
  }

  #start() {
    if (this.#count >= this.#frame.cells.length) this.#position.value = "0";
    this.#show();
    this.#schedule();
    this.#play.textContent = "Pause";
  }

  #schedule() {
    this.#timer = setTimeout(() => {
      this.#position.value = String(this.#count + 1);
      if (this.#count >= this.#frame.cells.length) this.#pause();
      else {
        this.#show();
        this.#schedule();
      }
    }, pace(this.#frame.cells.length));
  }

  #pause() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#play.textContent = this.#count >= this.#frame.cells.length ? "Play again" : "Play";
    this.#show();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#closed.abort();
    this.#frame.input.close();
    this.#frame.output.close();
  }

  #show() {
    const shown = this.#frame.cells.slice(0, this.#count);
    this.#drawMask(shown);
    this.#drawOutput(shown);
    const text = this.#text();
    showText(this.#step, text);
    this.#position.setAttribute("aria-valuetext", text);
  }

  #text() {
    const [count, { cells, source }] = [this.#count, this.#frame];
    if (cells.length === 0) return "Nothing was chosen in this frame.";
    if (count === 0) return `Before the first ${unitOf(source)}`;
    // Numbered as where the pictures are pointed at, whatever is hidden.
    const { title, facts } = cellTexts(this.#chosen, this.#positions[count - 1] ?? 0);
    const together = `together ${percentText(this.#shares[count] ?? 0)}`;
    if (count < cells.length) return `${title} · ${facts} · ${together}`;
    const hidden = this.#chosen.cells.length - count;
    const rest = hidden > 0 ? ` · ${hidden} of hidden scales are left out` : "";
    return `All ${counted(count, unitOf(source))} · ${together} of the frame${rest}`;
  }

  /** @param {CellRow[]} shown */
  #drawMask(shown) {
    const context = contextOf(this.#mask);
    const { input, width, height } = this.#frame;
    context.drawImage(input, 0, 0);
    context.fillStyle = DIMMED;
    context.fillRect(0, 0, width, height);
    for (const row of shown) this.#copy(context, row);
    const unit = Math.max(width, height) / 400;
    shown.forEach((row, index) => {
      const line = unit * (row[0] <= 2 ? 4 : row[0] <= 4 ? 3 : row[0] <= 7 ? 2 : 1.5);
      if (index === shown.length - 1) outline(context, row, "#ffffff", line + 3 * unit);
      outline(context, row, this.#colour(row[0]), line);
    });
  }

  /** @param {CellRow[]} shown */
  #drawOutput(shown) {
    const context = contextOf(this.#output);
    const { cells, output, rebuilt, width, height } = this.#frame;
    context.fillStyle = EMPTY;
    if (rebuilt) {
      context.drawImage(output, 0, 0);
      for (const [, y0, x0, y1, x1] of cells) context.fillRect(x0, y0, x1 - x0, y1 - y0);
    } else context.fillRect(0, 0, width, height);
    for (const row of shown) this.#copy(context, row);
  }

  /**
   * Copies a cell's pixels of the frame.
   * @param {CanvasRenderingContext2D} context
   * @param {CellRow} row
   */
  #copy(context, [, y0, x0, y1, x1]) {
    const [width, height] = [x1 - x0, y1 - y0];
    context.drawImage(this.#frame.input, x0, y0, width, height, x0, y0, width, height);
  }
}

/**
 * Whether an event of the slider moves it, or tries to: not the keys that leave it.
 * @param {Event} event
 */
function isMove(event) {
  return !(event instanceof KeyboardEvent) || /^(Arrow|Page|Home|End)/.test(event.key);
}

/**
 * Draws a line inside a cell's edge.
 * @param {CanvasRenderingContext2D} context
 * @param {CellRow} row
 * @param {string} colour
 * @param {number} line its width in pixels
 */
function outline(context, [, y0, x0, y1, x1], colour, line) {
  context.strokeStyle = colour;
  context.lineWidth = line;
  context.strokeRect(x0 + line / 2, y0 + line / 2, x1 - x0 - line, y1 - y0 - line);
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas: use a newer one.");
  return context;
}
