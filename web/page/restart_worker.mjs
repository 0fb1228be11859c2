/**
 * Ends the worker with Python in it, whatever it does, and starts another one for the same page.
 * @module
 */

import { freshCanvas } from "./element.mjs";

/**
 * @param {object} parts of the page, which go on with the new worker
 * @param {import("../../wasm_bridge/autogaze.mjs").LiveView} parts.view
 * @param {import("../sources/source_player.mjs").SourcePlayer} parts.player
 * @param {import("../model/mask_source.mjs").MaskSource} parts.maskSource
 * @param {import("../insight/comparison.mjs").Comparison} parts.comparison
 * @param {import("../export/export_panel.mjs").ExportPanel} parts.exporting
 * @throws {Error} with a sentence for the user if Python cannot start
 */
export async function restartWorker({ view, player, maskSource, comparison, exporting }) {
  exporting.restart();
  view.restart({ input: freshCanvas("input"), mask: freshCanvas("mask"), output: freshCanvas("output") });
  player.workerLost();
  comparison.restart();
  maskSource.restart();
  await view.ready;
  player.workerReady();
}
