/**
 * The feature "Insight": the numbers of the last frames, and where the time went.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { Sample } from "./frame_log.mjs" */
/** @import { Series } from "./history_chart.mjs" */

import { element, showText } from "../page/element.mjs";
import { decibels, decimal, padded, percent } from "../page/number_text.mjs";
import { ThrottledDraw } from "../page/throttled_draw.mjs";
import { BarList } from "./bar_list.mjs";
import { FrameLog, means, sampleOf } from "./frame_log.mjs";
import { HistoryChart } from "./history_chart.mjs";

const FRAMES = 240;

/** @type {{ series: Series, of: (sample: Sample) => number }[]} */
const CHARTS = [
  {
    series: { name: "Updated", range: [0, 1], text: (value) => percent(value) },
    of: ({ ratio }) => ratio,
  },
  {
    series: { name: "PSNR", range: [20, 40], text: (value) => decibels(value) },
    of: ({ psnr }) => psnr,
  },
  {
    series: {
      name: "Cells",
      range: [0, 10],
      text: (value) => padded(Number.isFinite(value) ? String(value) : "–", 4),
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
  #draw = new ThrottledDraw(() => this.#show());
  #facts = { budget: "", backend: "" };

  /** @param {{ view: LiveView, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ view, player, maskSource }) {
    element("insight-history", HTMLElement).append(...this.#charts.map((chart) => chart.element));
    this.#feature.addEventListener("toggle", () => this.#show());
    view.on("frame", (report) => {
      this.#log.add(sampleOf(report, player.latency));
      this.#facts = maskSource.facts;
      this.#draw.request();
    });
    player.on("opening", () => this.#reset());
    // Another mask source has other scales and stages.
    maskSource.on("active", () => this.#reset());
  }

  #reset() {
    this.#log.clear();
    this.#scales.clear();
    this.#stages.clear();
    this.#show();
  }

  #show() {
    const samples = this.#log.samples();
    const newest = samples.at(-1);
    showText(this.#hint, newest ? `${percent(newest.ratio)} · ${decibels(newest.psnr)}` : "");
    if (!this.#feature.open) return;
    this.#charts.forEach((chart, index) => {
      chart.show(samples.map(CHARTS[index]?.of ?? (() => Number.NaN)), this.#log.capacity);
    });
    const scales = [...means(samples.map(({ byScale }) => byScale))].map(([grid, cells]) => ({
      name: `${grid}×${grid}`,
      value: cells,
      text: decimal(cells, 6),
    }));
    this.#scales.show(scales);
    const stages = [...means(samples.map(({ stages }) => stages))].map(([name, milliseconds]) => ({
      name,
      value: milliseconds,
      text: decimal(milliseconds, 6),
    }));
    this.#stages.show(stages);
    const total = samples.reduce((sum, each) => sum + each.total, 0) / samples.length;
    showText(this.#total, newest ? `${decimal(total, 6)} ms` : "");
    showText(this.#budget, newest ? `${newest.cells} of ${this.#facts.budget}` : "");
    showText(this.#backend, this.#facts.backend || "none (patch-diff runs in Python)");
  }
}
