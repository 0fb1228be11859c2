/**
 * What the page is made of. The live view processes frames in a worker, the settings hold the options, the player pumps
 * frames from a source into the view, and the mask source decides what chooses the cells. Everything else listens to these.
 * @module
 */

import { LiveView } from "../wasm_bridge/autogaze.mjs";
import { BenchmarkPanel } from "./benchmark/benchmark_panel.mjs";
import { PerfMonitor } from "./benchmark/perf_monitor.mjs";
import { addModelCheck } from "./check/check_panel.mjs";
import { Controls } from "./controls/controls.mjs";
import { Dial } from "./controls/dial.mjs";
import { addFileOpening } from "./controls/open_files.mjs";
import { addStaleAreas } from "./controls/stale_areas.mjs";
import { addStartChoices } from "./controls/start_choices.mjs";
import { ExportPanel } from "./export/export_panel.mjs";
import { Share } from "./export/share.mjs";
import { addGaze } from "./gaze/cell_inspector.mjs";
import { Headline } from "./headline/headline.mjs";
import { HookPanel } from "./hook/hook_panel.mjs";
import { Comparison } from "./insight/comparison.mjs";
import { InsightPanel } from "./insight/insight_panel.mjs";
import { Legend } from "./legend/legend.mjs";
import { MaskSource } from "./model/mask_source.mjs";
import { addModelChoice, addModelStorage } from "./model/model_choice.mjs";
import { OfflinePanel } from "./offline/offline_panel.mjs";
import { requireBrowserFeatures } from "./page/browser_support.mjs";
import { addDrawer } from "./page/drawer.mjs";
import { hideNotice, showError, showNotice } from "./page/notice.mjs";
import { loadPalettes } from "./page/palettes.mjs";
import { ProgressBar } from "./page/progress_bar.mjs";
import { freshPanelCanvases, Panels, panelCanvases } from "./panels/panels.mjs";
import { addViewBar } from "./panels/view_bar.mjs";
import { GazeTimeline } from "./playback/gaze_timeline.mjs";
import { PlaybackBar } from "./playback/playback_bar.mjs";
import { addGallery } from "./samples/gallery.mjs";
import { addAddress } from "./settings/address.mjs";
import { loadOptions, parseAddress } from "./settings/options.mjs";
import { Settings } from "./settings/settings.mjs";
import { addSettingsPanel } from "./settings/settings_panel.mjs";
import { addShortcuts } from "./shortcuts/shortcuts.mjs";
import { CameraPicker } from "./sources/camera_picker.mjs";
import { firstFrame } from "./sources/first_frame.mjs";
import { SourcePlayer } from "./sources/source_player.mjs";
import { addTileProgress } from "./tiles/tile_progress.mjs";
import { addVision } from "./vision/vision.mjs";

document.documentElement.dataset.started = ""; // see page/startup_check.js
const loading = new ProgressBar("loading", "loading");

main().catch((error) => {
  loading.hide();
  showError(error);
});

async function main() {
  requireBrowserFeatures();
  // First of all, because Python takes longest to load.
  const view = new LiveView(panelCanvases(), undefined, freshPanelCanvases);
  view.on("progress", (progress) => loading.show(progress));
  view.on("restart", () => hideWhenReady(view).catch(() => {})); // reported where the restart was requested
  view.ready.catch(() => {}); // reported at the end of `compose`
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
  const { values, problems, start } = parseAddress(table, location.search);
  if (problems.length > 0) showNotice(problems.join("\n"));
  if (values["require-hardware-adapter"]) {
    const { requireHardwareAdapter } = await import("./benchmark/hardware_adapter.mjs");
    await requireHardwareAdapter();
  }

  const settings = new Settings(table, values, start);
  settings.on("change", hideNotice);
  settings.on("change", () => view.setOptions(settings.values));
  view.setOptions(settings.values);
  view.on("options-error", ({ message }) => showNotice(message));
  view.on("pixels-note", ({ message }) => showNotice(message));

  const player = new SourcePlayer({ view, settings });
  const maskSource = new MaskSource({ view, settings, player });
  const page = { view, settings, player, maskSource };

  new Panels(page);
  addViewBar(page);
  new Headline(page);
  new PlaybackBar(page);
  new GazeTimeline(page);
  new CameraPicker(page);
  new Controls(page);
  new Dial(page);
  addStaleAreas(page);
  addFileOpening(page);
  addStartChoices(page);
  addGallery(page);
  addModelChoice(page);
  addModelCheck(page);
  addModelStorage(page);
  addTileProgress(page);
  addSettingsPanel(page);
  addAddress(settings);
  new Legend(page, palettes);
  addGaze(page, palettes);
  addVision(page);
  new InsightPanel(page);
  new Comparison(page);
  new ExportPanel(page);
  new Share(page);
  new HookPanel(page);
  new OfflinePanel(page);
  new BenchmarkPanel(page);
  new PerfMonitor(page);
  addDrawer();
  addShortcuts();

  // For tests and measurements; see docs/architecture.md.
  Object.assign(globalThis, { autogaze: { view, player, settings } });

  player.open(String(values.source));
  document.documentElement.dataset.composed = ""; // see page/page.css
  await hideWhenReady(view);
  if (!settings.values["load-model"]) return;
  // A model takes the bandwidth and the processor from whatever else is loading.
  await firstFrame(view, player);
  if (settings.values["mask-source"] !== maskSource.chosen) maskSource.choose("autogaze");
}

/** @param {LiveView} view */
async function hideWhenReady(view) {
  await view.ready;
  loading.hide();
}
