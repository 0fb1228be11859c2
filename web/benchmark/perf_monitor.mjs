/**
 * Measures the page for programs, which read the results from globals of the window (docs/benchmarking.md).
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { PerfSample } from "./perf_summary.mjs" */

import { save } from "../export/saved_files.mjs";
import { sampleOf } from "../insight/frame_log.mjs";

const LOG_EVERY_MS = 5000;

/** @typedef {{ replaced: number, backend: string }} RunFacts frames replaced by newer ones; what runs the model */

export class PerfMonitor {
  #values;
  #globals = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (globalThis));
  #count = 0;
  #firstMs = 0;
  #skipped = 0;
  /** @type {PerfSample[]} */
  #samples = [];
  #start = { at: 0, replaced: 0, gazes: 0 };
  #done = false;
  #logged = Number.NEGATIVE_INFINITY;
  /** Why the processor does the pixel work instead of the graphics card. @type {string | null} */
  #pixelsNote = null;

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ view, settings, player, maskSource }) {
    this.#values = settings.values;
    view.on("frame", (report) => {
      const { latency, replaced } = player;
      this.#add(report, latency, { replaced, backend: maskSource.backend });
    });
    view.on("pixels-note", ({ message }) => {
      this.#pixelsNote = message;
      this.#globals.__autogazePixelsNote = message;
    });
  }

  /**
   * @param {FrameReport} report
   * @param {number} total milliseconds from its capture to its end
   * @param {RunFacts} facts
   */
  #add(report, total, facts) {
    const now = performance.now();
    if (this.#count === 0) this.#firstMs = now;
    this.#count += 1;
    this.#globals.__autogazeFrameStats = {
      count: this.#count,
      firstFrameMs: this.#firstMs,
      lastFrameMs: now,
      lastWidth: report.width,
      lastHeight: report.height,
    };
    const sample = perfSample(report, total);
    this.#globals.__autogazePerf = this.#latest(sample, report, facts);
    this.#log(sample, now);
    if (!this.#done) this.#measure(sample, report, facts, now);
  }

  /**
   * @param {PerfSample} sample
   * @param {FrameReport} report
   * @param {RunFacts} facts
   * @param {number} now
   */
  #measure(sample, report, facts, now) {
    const target = Number(this.#values["perf-summary-frames"]);
    if (target === 0) return;
    // A model is measured while it runs, not while it loads.
    if (this.#values["mask-source"] === "autogaze" && report.tokens === undefined) return;
    if (this.#skipped < Number(this.#values["perf-summary-warmup-frames"])) {
      this.#skipped += 1;
      return;
    }
    if (this.#samples.length === 0) {
      this.#start = { at: now - sample.total, replaced: facts.replaced, gazes: (report.gazes ?? 1) - 1 };
    }
    this.#samples.push(sample);
    if (this.#samples.length < target) return;
    this.#done = true;
    const course = {
      seconds: (now - this.#start.at) / 1000,
      offered: this.#samples.length + Math.max(0, facts.replaced - this.#start.replaced),
      gazes: report.gazes === undefined ? 0 : report.gazes - this.#start.gazes,
    };
    const latest = { ...this.#latest(sample, report, facts), options: { ...this.#values } };
    this.#publishSummary(target, course, latest);
  }

  /**
   * @param {number} target frames
   * @param {{ seconds: number, offered: number, gazes: number }} course of the measurement
   * @param {object} latest of the last frame
   */
  async #publishSummary(target, course, latest) {
    // Most visitors measure nothing.
    const { fileNameOf, linesOf, summarize } = await import("./perf_summary.mjs");
    const samples = this.#samples;
    this.#samples = [];
    const summary = {
      target_frames: target,
      skipped_warmup_frames: this.#skipped,
      ...summarize(samples, course),
      ...latest,
    };
    this.#globals.__autogazePerfSummary = summary;
    const download = (
      /** @type {string} */ option,
      /** @type {string} */ name,
      /** @type {string} */ text,
    ) => {
      const path = String(this.#values[option]);
      if (path) save(new Blob([text]), fileNameOf(path, name));
    };
    download("perf-summary-path", "summary.json", `${JSON.stringify(summary, null, 1)}\n`);
    download("perf-trace-path", "trace.jsonl", linesOf(samples));
  }

  /**
   * @param {PerfSample} sample
   * @param {FrameReport} report
   * @param {RunFacts} facts
   */
  #latest({ total, stages, gaze }, report, { replaced, backend }) {
    return {
      latest_index: report.index,
      latest_width: report.width,
      latest_height: report.height,
      latest_cells: report.cells,
      latest_tokens: report.tokens ?? null,
      latest_mask_update_ratio: report.maskRatio,
      latest_output_update_ratio: report.updateRatio,
      latest_total_ms: total,
      latest_model_ms: gaze,
      latest_stage_ms: stages,
      latest_tiles: report.tiles ?? null,
      latest_pixels: report.pixels ?? "cpu",
      pixels_note: this.#pixelsNote,
      pixels_failure: report.pixelsFailure ?? null,
      latest_runner_totals: report.runner ?? null,
      replaced_frames: replaced,
      backend: backend || "none",
      mask_timing: report.maskTiming ?? "own",
      cross_origin_isolated: globalThis.crossOriginIsolated,
      hardware_concurrency: navigator.hardwareConcurrency,
    };
  }

  /**
   * @param {PerfSample} sample
   * @param {number} now
   */
  #log({ total, stages }, now) {
    if (this.#values["log-pipeline-timing"] !== true || now - this.#logged < LOG_EVERY_MS) return;
    this.#logged = now;
    const parts = Object.entries(stages).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
    // biome-ignore lint/suspicious/noConsole: the option asks for it
    console.info(`frame ${this.#count}: ${total.toFixed(1)} ms (${parts.join(", ")})`);
  }
}

/**
 * @param {FrameReport} report
 * @param {number} total
 * @returns {PerfSample}
 */
function perfSample(report, total) {
  return {
    total,
    gaze: report.gazeMs ?? null,
    stages: sampleOf(report, total).stages,
    cells: report.cells,
    tokens: report.tokens ?? null,
    maskAge: report.maskAgeFrames ?? null,
    maskRatio: report.maskRatio,
    updateRatio: report.updateRatio,
    psnr: report.psnr,
    psnrAverage: report.psnrEma,
    onGpu: report.pixels === "gpu",
  };
}
