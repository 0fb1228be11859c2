/**
 * The feature "Insight": what the numbers of the last frames were, and where the time went.
 * @module
 */

import { element, showText } from "../page/element.mjs";
import { Redraw } from "../page/throttled_draw.mjs";
import { fiveWide, percent } from "../panels/measurements.mjs";
import { BarList } from "./bar_list.mjs";
import { FrameLog, means, sampleOf } from "./frame_log.mjs";
import { HistoryChart } from "./history_chart.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */
/** @typedef {import("./frame_log.mjs").Sample} Sample */

const FRAMES = 240;

/** @type {{ series: import("./history_chart.mjs").Series, of: (sample: Sample) => number }[]} */
const CHARTS = [
  {
    series: { name: "Updated", range: [0, 1], text: (value) => percent(value) },
    of: ({ ratio }) => ratio,
  },
  {
    series: { name: "PSNR", range: [20, 40], text: (value) => `${fiveWide(value)} dB` },
    of: ({ psnr }) => psnr,
  },
  {
    series: {
      name: "Cells",
      range: [0, 10],
      text: (value) => (Number.isFinite(value) ? String(value) : "–").padStart(4),
    },
    of: ({ cells }) => cells,
  },
];

export class InsightPanel {
  #log = new FrameLog(FRAMES);
  #charts = CHARTS.map(({ series }) => new HistoryChart(series));
  #scales = new BarList(element("insight-scales", HTMLElement));
  #stages = new BarList(element("insight-stages", HTMLElement));
  #budget = element("insight-budget", HTMLElement);
  #total = element("insight-total", HTMLElement);
  #backend = element("insight-backend", HTMLElement);
  #hint = element("insight-hint", HTMLElement);
  #feature = element("feature-insight", HTMLDetailsElement);
  #redraw = new Redraw(() => this.#show());
  #facts = { budget: "", backend: "" };

  constructor() {
    element("insight-history", HTMLElement).append(...this.#charts.map((chart) => chart.element));
    this.#feature.addEventListener("toggle", () => this.#show());
  }

  /**
   * A frame was processed.
   * @param {FrameReport} report
   * @param {number} total milliseconds from its capture to its end
   * @param {{ budget: string, backend: string }} facts how many cells there could be; what runs the model
   */
  frame(report, total, facts) {
    this.#log.add(sampleOf(report, total));
    this.#facts = facts;
    this.#redraw.ask();
  }

  /** Another source was chosen: nothing of the old one stays. */
  reset() {
    this.#log.clear();
    this.#scales.clear();
    this.#stages.clear();
    this.#show();
  }

  #show() {
    const samples = this.#log.samples();
    const newest = samples.at(-1);
    showText(this.#hint, newest ? `${percent(newest.ratio)} · ${fiveWide(newest.psnr)} dB` : "");
    if (!this.#feature.open) return;
    this.#charts.forEach((chart, index) => {
      chart.show(samples.map(CHARTS[index]?.of ?? (() => Number.NaN)), this.#log.capacity);
    });
    const scales = [...means(samples.map(({ byScale }) => byScale))].map(([grid, cells]) => ({
      name: `${grid}×${grid}`,
      value: cells,
      text: cells.toFixed(1).padStart(6),
    }));
    this.#scales.show(scales);
    const stages = [...means(samples.map(({ stages }) => stages))].map(([name, milliseconds]) => ({
      name,
      value: milliseconds,
      text: milliseconds.toFixed(1).padStart(6),
    }));
    this.#stages.show(stages);
    const total = samples.reduce((sum, each) => sum + each.total, 0) / samples.length;
    showText(this.#total, newest ? `${total.toFixed(1).padStart(6)} ms` : "");
    showText(this.#budget, newest ? `${String(newest.cells).padStart(4)} of ${this.#facts.budget}` : "");
    showText(this.#backend, this.#facts.backend || "none, patch-diff in Python");
  }
}
