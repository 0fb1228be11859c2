/**
 * The summary of a measurement: averages, percentiles and what was measured.
 * @module
 */

import { means } from "../insight/frame_log.mjs";

/**
 * One frame of a measurement; times in milliseconds.
 * @typedef {object} PerfSample
 * @property {number} total from capture to the panels
 * @property {number | null} gaze of the model, if it chose the cells
 * @property {Record<string, number>} stages
 * @property {number} cells
 * @property {number | null} tokens
 * @property {number | null} maskAge in frames
 * @property {number} maskRatio
 * @property {number | null} updateRatio null for keyframes
 * @property {number | "Infinity" | null} psnr null for keyframes
 * @property {number | "Infinity" | null} psnrAverage
 * @property {boolean} onGpu whether the graphics card did the pixel work
 */

/**
 * The value below which a share of the sorted values lies: the one at `round((n - 1) p)`.
 * @param {number[]} sorted
 * @param {number} share 0 to 1
 * @returns {number | null} null if there are none
 */
export function percentile(sorted, share) {
  return sorted[Math.round((sorted.length - 1) * share)] ?? null;
}

/** @param {number[]} values */
function average(values) {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

/**
 * avg, p50, p95, p99 and max of times, as `avg_NAME_ms` and so on.
 * @param {string} name
 * @param {number[]} values
 */
function spread(name, values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    [`avg_${name}_ms`]: average(sorted),
    [`p50_${name}_ms`]: percentile(sorted, 0.5),
    [`p95_${name}_ms`]: percentile(sorted, 0.95),
    [`p99_${name}_ms`]: percentile(sorted, 0.99),
    [`max_${name}_ms`]: sorted.at(-1) ?? null,
  };
}

// Bringing a frame to where it is processed depends on the source, and the model's time on the model.
const ELSEWHERE = ["capture", "upload", "model"];

/**
 * Of the stage "model", ONNX Runtime alone, as `model_run`: `model_ms` is the whole gaze. What all stages take but
 * `ELSEWHERE` is `rest`, what a frame takes beside its stages `outside`.
 * @param {PerfSample[]} samples
 */
function stageTimes(samples) {
  const stages = samples.map((sample) => sample.stages);
  /** @type {Record<string, number | null>} */
  const times = {};
  for (const [name, mean] of means(stages)) {
    const sorted = stages.map((stage) => stage[name] ?? 0).sort((a, b) => a - b);
    const key = name === "model" ? "model_run" : name;
    times[`avg_${key}_ms`] = mean;
    times[`p50_${key}_ms`] = percentile(sorted, 0.5);
    times[`p95_${key}_ms`] = percentile(sorted, 0.95);
  }
  const outside = samples.map(({ total, stages: own }) => total - sumOf(own));
  return {
    ...times,
    ...spread(
      "rest",
      stages.map((each) => sumOf(each, ELSEWHERE)),
    ),
    ...spread("outside", outside),
  };
}

/**
 * @param {Record<string, number>} stages of a frame, in milliseconds
 * @param {string[]} [without] stages that do not count
 */
function sumOf(stages, without = []) {
  return Object.entries(stages).reduce((sum, [name, ms]) => sum + (without.includes(name) ? 0 : ms), 0);
}

/** @param {number | "Infinity" | null} psnr */
function decibels(psnr) {
  return { db: typeof psnr === "number" ? psnr : null, infinite: psnr === "Infinity" };
}

/**
 * @param {PerfSample[]} samples at least one
 * @param {{ seconds: number, offered: number, gazes: number }} course how long they took, how many frames the
 *   source offered in that time, complete gazes of the model
 */
export function summarize(samples, { seconds, offered, gazes }) {
  const present = (/** @type {(number | null)[]} */ values) =>
    values.filter((value) => value !== null && Number.isFinite(value));
  const of = (/** @type {keyof PerfSample} */ name) =>
    /** @type {number[]} */ (present(samples.map((sample) => /** @type {number | null} */ (sample[name]))));
  const totals = spread("total", of("total"));
  const rate = (/** @type {number | null | undefined} */ milliseconds) =>
    milliseconds ? 1000 / milliseconds : null;
  const [avg, p95] = [totals.avg_total_ms, totals.p95_total_ms];
  const newest = samples.at(-1);
  const latest = decibels(newest?.psnr ?? null);
  const smoothed = decibels(newest?.psnrAverage ?? null);
  return {
    processed_frames: samples.length,
    processed_model_frames: gazes,
    measured_seconds: seconds,
    measured_fps: seconds > 0 ? samples.length / seconds : null,
    avg_input_fps: seconds > 0 ? offered / seconds : null,
    avg_model_frame_fps: seconds > 0 ? gazes / seconds : null,
    avg_output_fps: rate(avg),
    p05_output_fps: rate(p95),
    worst_output_fps: rate(totals.max_total_ms),
    fps_stability_p05_to_avg: avg && p95 ? avg / p95 : null,
    ...totals,
    ...spread("model", of("gaze")),
    ...stageTimes(samples),
    avg_cells: average(of("cells")),
    avg_tokens: average(of("tokens")),
    avg_mask_age_frames: average(of("maskAge")),
    avg_mask_update_ratio: average(of("maskRatio")),
    avg_output_update_ratio: average(of("updateRatio")),
    gpu_frames: samples.filter(({ onGpu }) => onGpu).length,
    psnr_samples: samples.filter(({ psnr }) => psnr !== null).length,
    latest_psnr_db: latest.db,
    latest_psnr_infinite: latest.infinite,
    ema_psnr_db: smoothed.db,
    ema_psnr_infinite: smoothed.infinite,
  };
}

/**
 * The frames of a measurement as JSON Lines.
 * @param {PerfSample[]} samples
 */
export function linesOf(samples) {
  return samples.map((sample, frame) => `${JSON.stringify({ frame, ...sample })}\n`).join("");
}

/**
 * The file name in a path, without characters that a file system may refuse.
 * @param {string} path empty or "true" for no name of its own
 * @param {string} otherwise
 */
export function fileNameOf(path, otherwise) {
  const name = path
    .split(/[\\/]/)
    .at(-1)
    ?.replace(/[^\w.-]+/g, "-");
  return name && name !== "true" && /\w/.test(name) ? name : `autogaze-${otherwise}`;
}
