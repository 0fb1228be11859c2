/**
 * What of a file has been looked at, frame by frame: a strip under the place in the file.
 * @module
 */

import { element } from "../page/element.mjs";
import { Redraw } from "../page/throttled_draw.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */
/** @typedef {{ time: number, duration: number, seek: (time: number) => void }} Playback in seconds */

// Columns of the strip: frames of a longer file share them, and the newest counts.
const COLUMNS = 400;
const HEIGHT = 32;

export class GazeTimeline {
  #strip = element("timeline", HTMLElement);
  #picture;
  #ratios;
  #counts;
  #place;
  /** @type {(number | undefined)[]} share of the frame that was masked */
  #masked = [];
  /** @type {(number | undefined)[]} */
  #cells = [];
  /** @type {Playback | undefined} */
  #playback;
  #frames = 0;
  #redraw = new Redraw(() => this.#show());

  constructor() {
    const picture = document.querySelector("#timeline-picture");
    if (!picture) throw new Error("index.html has no #timeline-picture");
    this.#picture = picture;
    const [ratios, counts, place] = this.#picture.querySelectorAll("path");
    if (!ratios || !counts || !place) throw new Error("index.html has no lines in #timeline-picture");
    this.#ratios = ratios;
    this.#counts = counts;
    this.#place = place;
    this.#strip.addEventListener("click", (event) => {
      const { left, width } = this.#picture.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
      this.#playback?.seek(share * this.#playback.duration);
    });
  }

  /**
   * A frame of a file was processed.
   * @param {FrameReport} report
   * @param {Playback | undefined} playback none if the source is no file
   */
  frame({ maskRatio, cells, keyframe }, playback) {
    this.#playback = playback;
    this.#strip.hidden = !playback || !(playback.duration > 0);
    if (!playback || this.#strip.hidden) return;
    // A keyframe takes the whole frame, whatever the cells are.
    if (!keyframe) {
      const column = this.#column(playback);
      if (this.#masked[column] === undefined) this.#frames += 1;
      this.#masked[column] = maskRatio;
      this.#cells[column] = cells;
    }
    this.#redraw.ask();
  }

  /** Another source was chosen. */
  reset() {
    this.#masked = [];
    this.#cells = [];
    this.#frames = 0;
    this.#strip.hidden = true;
  }

  /** @param {Playback} playback */
  #column({ time, duration }) {
    return Math.min(COLUMNS - 1, Math.max(0, Math.floor((time / duration) * COLUMNS)));
  }

  #show() {
    const most = Math.max(1, ...this.#cells.filter((cells) => cells !== undefined));
    const columns = [...this.#masked.keys()].filter((column) => this.#masked[column] !== undefined);
    // As wide as the frames of a short file are apart, so that they join.
    const gaps = columns.slice(1).map((column, index) => column - (columns[index] ?? 0));
    const wide = gaps.length > 0 ? Math.min(...gaps) : 1;
    let bars = "";
    let line = "";
    for (const column of columns) {
      const [masked = 0, cells = 0] = [this.#masked[column], this.#cells[column]];
      bars += `M${column} ${HEIGHT}V${(HEIGHT * (1 - masked)).toFixed(1)}h${wide}V${HEIGHT}`;
      line += `${line ? "L" : "M"}${column + wide / 2} ${(HEIGHT * (1 - cells / most)).toFixed(1)}`;
    }
    this.#ratios.setAttribute("d", bars);
    this.#counts.setAttribute("d", line);
    const place = this.#playback ? this.#column(this.#playback) : 0;
    this.#place.setAttribute("d", `M${place + 0.5} 0V${HEIGHT}`);
    const looked = Math.round((100 * this.#frames) / COLUMNS);
    this.#picture.setAttribute(
      "aria-label",
      `Gaze along the file: ${looked} % of its columns analysed, at most ${most} cells in a frame`,
    );
  }
}
