/**
 * The gaze along a file: a strip that shows, for the frames processed until now, the masked share and the cells.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { counted } from "../page/number_text.mjs";
import { ThrottledDraw } from "../page/throttled_draw.mjs";

/** @typedef {{ time: number, duration: number, seek: (time: number) => void }} Playback in seconds */

// Columns of the strip. Frames of a longer file share a column, which shows the newest of them.
const COLUMNS = 400;
const HEIGHT = 32;

export class GazeTimeline {
  #strip = element("timeline", HTMLElement);
  #key = element("timeline-key", HTMLElement);
  #picture;
  #ratios;
  #counts;
  #position;
  /** @type {(number | undefined)[]} share of the frame that was masked */
  #masked = [];
  /** @type {(number | undefined)[]} */
  #cells = [];
  /** @type {Playback | undefined} */
  #playback;
  #frames = 0;
  #draw = new ThrottledDraw(() => this.#show());

  /** @param {{ view: LiveView, player: SourcePlayer }} page */
  constructor({ view, player }) {
    const picture = document.querySelector("#timeline-picture");
    if (!picture) throw new Error("The page has no #timeline-picture");
    this.#picture = picture;
    const [ratios, counts, position] = this.#picture.querySelectorAll("path");
    if (!ratios || !counts || !position) throw new Error("The page has no lines in #timeline-picture");
    this.#ratios = ratios;
    this.#counts = counts;
    this.#position = position;
    this.#strip.addEventListener("click", (event) => {
      const { left, width } = this.#picture.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
      this.#playback?.seek(share * this.#playback.duration);
    });
    view.on("frame", (report) => this.#add(report, player.playback));
    // The line is where the slider is; the bars follow when their frames are done.
    player.on("position", (playback) => this.#showPosition(playback));
    player.on("opening", () => this.#reset());
    player.on("state", () => {
      this.#strip.hidden = this.#key.hidden = !player.hasFile;
    });
  }

  /**
   * @param {FrameReport} report
   * @param {Playback | undefined} playback undefined if the source is not a file
   */
  #add({ maskRatio, cells, keyframe, time }, playback) {
    this.#playback = playback;
    this.#strip.hidden = this.#key.hidden = !playback || !(playback.duration > 0);
    if (!playback || time === undefined || this.#strip.hidden) return;
    // A keyframe updates the whole frame, whatever its cells are.
    if (!keyframe) {
      // The file may be elsewhere by now.
      const column = this.#column(time, playback.duration);
      if (this.#masked[column] === undefined) this.#frames += 1;
      this.#masked[column] = maskRatio;
      this.#cells[column] = cells;
    }
    this.#draw.request();
  }

  #reset() {
    this.#masked = [];
    this.#cells = [];
    this.#frames = 0;
    this.#playback = undefined;
    this.#show();
    this.#showPosition({ time: 0, duration: 0 });
  }

  /** @param {{ time: number, duration: number }} playback */
  #showPosition({ time, duration }) {
    const x = duration > 0 ? (COLUMNS * Math.min(Math.max(time, 0), duration)) / duration : 0;
    this.#position.setAttribute("d", `M${x.toFixed(2)} 0V${HEIGHT}`);
  }

  /**
   * @param {number} time
   * @param {number} duration
   */
  #column(time, duration) {
    return Math.min(COLUMNS - 1, Math.max(0, Math.floor((time / duration) * COLUMNS)));
  }

  #show() {
    const most = Math.max(1, ...this.#cells.filter((cells) => cells !== undefined));
    const columns = [...this.#masked.keys()].filter((column) => this.#masked[column] !== undefined);
    // Bars of a short file are as wide as its frames are apart, so that they join.
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
    const analysed = Math.round((100 * this.#frames) / COLUMNS);
    this.#picture.setAttribute(
      "aria-label",
      `Gaze along the file: ${analysed} % analysed, at most ${counted(most, "cell")} in a frame`,
    );
  }
}
