/**
 * Files of the gaze for vision encoders elsewhere: `gazing_info` and keep-masks.
 * @module
 */

/** @import { GazeFileOptions, LiveView } from "../../wasm_bridge/autogaze.mjs" */

import { element } from "../page/element.mjs";

/** @typedef {{ request: GazeFileOptions, what: string, suffix: string, type: string }} GazeFile */

const TYPES = { npz: "application/zip", json: "application/json" };

/**
 * What a button asks for.
 * @param {string} kind such as "gazing-info.npz" or "keep-masks.json"
 * @param {{ frames: string, grids: string }} fields number of frames, empty for all; grids separated by spaces or commas
 * @returns {GazeFile}
 * @throws {Error} if no grid is given for masks
 */
export function gazeFileOf(kind, { frames, grids }) {
  const [what = "", suffix] = kind.split(".");
  const format = suffix === "json" ? "json" : "npz";
  const request = /** @type {GazeFileOptions} */ ({ format });
  if (frames) request.frames = Number(frames);
  if (what === "keep-masks") {
    request.keepGrids = grids.split(/[\s,;]+/).filter(Boolean);
    if (request.keepGrids.length === 0)
      throw new Error("Enter the grid of the masks as rows x columns, such as 14x14.");
  }
  return { request, what, suffix: format, type: TYPES[format] };
}

/**
 * Saves a file at each press of a button.
 * @param {LiveView} view
 * @param {{ save: (blob: Blob, file: GazeFile) => void, attempt: (task: () => Promise<void>) => void }} page
 */
export function addGazeFiles(view, { save, attempt }) {
  const frames = element("export-gaze-frames", HTMLSelectElement);
  const grids = element("export-gaze-grids", HTMLInputElement);
  /** @type {NodeListOf<HTMLButtonElement>} */
  const buttons = document.querySelectorAll("#feature-export [data-gaze-file]");
  for (const button of buttons) {
    button.addEventListener("click", () =>
      attempt(async () => {
        const file = gazeFileOf(button.dataset.gazeFile ?? "", { frames: frames.value, grids: grids.value });
        const bytes = await view.gazeFile(file.request);
        save(new Blob([bytes], { type: file.type }), file);
      }),
    );
  }
  const enable = () => {
    for (const button of buttons) button.disabled = false;
  };
  view.on("frame", enable);
  view.on("redraw", enable);
}
