/**
 * The page: connects its controls, the sources of frames and the live view.
 * @module
 */

import { LiveView } from "../wasm_bridge/autogaze.mjs";
import { requireHardwareAdapter } from "./benchmark/hardware_adapter.mjs";
import { PerfMonitor } from "./benchmark/perf_monitor.mjs";
import { Controls } from "./controls/controls.mjs";
import { ExportPanel } from "./export/export_panel.mjs";
import { HookPanel } from "./hook/hook_panel.mjs";
import { Comparison } from "./insight/comparison.mjs";
import { InsightPanel } from "./insight/insight_panel.mjs";
import { Legend, loadPalettes } from "./legend/legend.mjs";
import { MaskSource } from "./model/mask_source.mjs";
import { ModelChoice } from "./model/model_choice.mjs";
import { OfflinePanel } from "./offline/offline_panel.mjs";
import { missingFeature } from "./page/browser_support.mjs";
import { element, showText } from "./page/element.mjs";
import { hideNotice, showNotice } from "./page/notice.mjs";
import { ProgressBar } from "./page/progress_bar.mjs";
import { restartWorker } from "./page/restart_worker.mjs";
import { factsText, psnrText, Rate, ratioText, speedText } from "./panels/measurements.mjs";
import { GazeTimeline } from "./playback/gaze_timeline.mjs";
import { applySettings, redrawIfPaused } from "./settings/apply_settings.mjs";
import { loadOptions, parseQuery } from "./settings/options.mjs";
import { Settings } from "./settings/settings.mjs";
import { showSettings } from "./settings/settings_panel.mjs";
import { listenForShortcuts } from "./shortcuts/shortcuts.mjs";
import { SourceControls } from "./sources/open_files.mjs";
import { SourcePlayer } from "./sources/source_player.mjs";
import { TileProgress } from "./tiles/tile_progress.mjs";

/** @typedef {import("../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

const loading = new ProgressBar("loading", "loading");

main().catch((error) => {
  loading.hide();
  showNotice(error.message);
});

async function main() {
  const missing = missingFeature();
  if (missing) throw new Error(missing);

  // Python takes longest to start, so that begins before all else.
  const view = new LiveView({
    input: element("input", HTMLCanvasElement),
    mask: element("mask", HTMLCanvasElement),
    output: element("output", HTMLCanvasElement),
  });
  view.on("progress", ({ step, loaded, total }) => loading.show(step, loaded, total));
  view.ready.catch(() => {}); // told where it is waited for
  try {
    await compose(view);
  } catch (error) {
    view.close();
    throw error;
  }
}

/** @param {LiveView} view */
async function compose(view) {
  const [table, palettes] = await Promise.all([loadOptions(), loadPalettes()]);
  const { values, problems } = parseQuery(table, location.search);
  if (problems.length > 0) showNotice(problems.join("\n"));

  if (values["require-hardware-adapter"]) await requireHardwareAdapter();

  const settings = new Settings(table, values);

  const player = new SourcePlayer(view, element("video", HTMLVideoElement), settings.values);
  const controls = new Controls(settings);
  const screen = new Screen();
  const tiles = new TileProgress();
  const legend = new Legend(settings, palettes);
  tiles.onCancel = () => settings.give({ mode: "realtime" });
  const maskSource = new MaskSource(view, settings.values);
  maskSource.onProblem = showNotice;
  const offline = new OfflinePanel();
  const insight = new InsightPanel();
  maskSource.onActive = (source) => {
    controls.showMaskSource(source);
    if (source === "autogaze") offline.modelReady(maskSource.backend);
    // Scales and stages are other ones now.
    insight.reset();
    redrawIfPaused({ view, player });
  };
  const exporting = new ExportPanel(view, () => player.title);
  exporting.onProblem = showNotice;
  maskSource.onChosen = (source) => settings.give({ "mask-source": source });
  const comparison = new Comparison(view);
  comparison.onModelWanted = () => settings.give({ "mask-source": "autogaze" });
  const timeline = new GazeTimeline();
  const perf = new PerfMonitor(settings.values);
  /** @param {FrameReport} report */
  const show = (report) => {
    screen.show(report, player.replaced, maskSource.backend);
    tiles.show(report, settings.values.mode !== "realtime");
    legend.show(report);
  };
  const hook = new HookPanel(view);
  hook.onRestart = async () => {
    await restartWorker({ view, player, maskSource, comparison, exporting });
    loading.hide();
  };
  view.on("frame", (report) => {
    hook.frame(report);
    const { milliseconds, replaced } = player;
    timeline.frame(report, player.playback);
    player.frameDone();
    exporting.frame(report);
    insight.frame(report, milliseconds, maskSource.facts);
    comparison.frame(report);
    perf.frame(report, milliseconds, { replaced, backend: maskSource.backend });
    show(report);
  });
  view.on("redraw", (report) => {
    hook.frame(report);
    exporting.frame(report);
    show(report);
  });
  view.on("frame-error", ({ message }) => {
    player.frameDone();
    showNotice(message);
  });
  view.on("options-error", ({ message }) => showNotice(message));
  player.onState = (state) => {
    controls.showState(state);
    screen.showState(state);
    exporting.pause(state !== "running");
  };
  player.onOpening = () => {
    screen.reset();
    insight.reset();
    comparison.reset();
    timeline.reset();
  };
  player.onProblem = showNotice;

  showStorage(view);
  listenForShortcuts();
  showSettings(settings);
  const sources = new SourceControls(player, settings);
  const modelChoice = new ModelChoice(settings);
  maskSource.onFailed = (goesOn) => goesOn && modelChoice.failed();
  sources.onModelFiles = (files) => {
    maskSource.choose("autogaze", files);
    modelChoice.show(true);
  };
  sources.onProblem = showNotice;
  settings.onChange(hideNotice);
  applySettings(settings, { view, player, maskSource });

  controls.onRun = () => {
    hideNotice();
    player.toggle();
  };
  controls.onFiles = (files) => {
    hideNotice();
    sources.open(files);
  };

  // For tests and measurements; see docs/architecture.md.
  Object.assign(globalThis, { autogaze: { view, player, settings } });

  player.open(String(values.source));
  await view.ready;
  loading.hide();
  player.workerReady();
  if (values["mask-source"] === "autogaze" && values["load-model"]) maskSource.choose("autogaze");
  await offline.start();
}

/**
 * The line that tells how much of models is kept on this machine, and lets it be deleted.
 * @param {LiveView} view
 */
function showStorage(view) {
  const line = element("storage", HTMLElement);
  view.on("storage", ({ bytes }) => {
    line.hidden = bytes === 0;
    element("storage-text", HTMLElement).textContent =
      `Model files kept on this machine: ${(bytes / 1e6).toFixed(1)} MB.`;
  });
  element("storage-delete", HTMLButtonElement).addEventListener("click", () => view.deleteStoredModels());
}

/** What the panels and the lines of numbers show. */
class Screen {
  #panels = element("panels", HTMLElement);
  #placeholder = element("placeholder", HTMLElement);
  #speed = element("speed", HTMLElement);
  #ratio = element("ratio", HTMLElement);
  #psnr = element("psnr", HTMLElement);
  #facts = element("facts", HTMLElement);
  #render = new Rate();
  #infer = new Rate();
  #gazes = 0;

  /**
   * @param {FrameReport} report
   * @param {number} replaced
   * @param {string} backend of the model, empty without one
   */
  show(report, replaced, backend) {
    const now = performance.now();
    // With a model the second rate is the model's own.
    if (report.gazes === undefined || report.gazes > this.#gazes) this.#infer.add(now);
    this.#gazes = report.gazes ?? 0;
    requestAnimationFrame((painted) => this.#render.add(painted));
    this.#panels.style.setProperty("--shape", `${report.width} / ${report.height}`);
    this.#panels.classList.add("live");
    showText(this.#speed, speedText(this.#render, this.#infer));
    showText(this.#ratio, ratioText(report));
    showText(this.#psnr, psnrText(report));
    showText(this.#facts, factsText(report, replaced, backend));
  }

  /** @param {import("./sources/source_player.mjs").PlayerState} state */
  showState(state) {
    this.#placeholder.textContent = PLACEHOLDERS[state];
  }

  /** Another source was chosen: nothing of the old one stays. */
  reset() {
    this.#panels.classList.remove("live");
    this.#render = new Rate();
    this.#infer = new Rate();
    this.#gazes = 0;
    for (const line of [this.#speed, this.#ratio, this.#psnr, this.#facts]) line.textContent = "";
  }
}

/** @type {Record<import("./sources/source_player.mjs").PlayerState, string>} */
const PLACEHOLDERS = {
  asking: "Waiting for you: allow it when the browser asks.",
  opening: "Opening…",
  running: "",
  paused: "",
  stopped: "No source is running.",
  "needs-file": "Open a video or a picture, or drop one here.",
};
