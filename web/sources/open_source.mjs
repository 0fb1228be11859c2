/**
 * Opens a source by its name.
 * @module
 */

/** @import { Source, SourceSetup } from "./source.mjs" */

import { openCamera } from "./camera.mjs";
import { openImage } from "./image.mjs";
import { fetchFile } from "./remote_file.mjs";
import { openScreen } from "./screen.mjs";
import { openSynthetic } from "./synthetic.mjs";
import { openVideoFile } from "./video_file.mjs";

/**
 * What the user selected for some of the sources: files, and the id of a camera.
 * @typedef {{ file?: File, image?: File, camera?: string }} SelectedMedia
 */

const SAMPLE = "./sample/news.webm";

/**
 * @param {string} name one of the values of the option `source`
 * @param {SourceSetup} setup
 * @param {SelectedMedia} selected
 * @returns {Promise<Source | undefined>} undefined if the user has to select a file first
 * @throws {Error} with a sentence for the user
 */
export async function openSource(name, setup, selected) {
  switch (name) {
    case "camera":
      return openCamera(setup, selected.camera);
    case "screen":
      return openScreen(setup);
    case "image":
      return openSelected(selected.image, "image-url", setup, openImage);
    case "file":
      return openSelected(selected.file, "video-url", setup, openVideoFile);
    case "sample":
      return openVideoFile(await fetchFile(SAMPLE, setup.signal), setup);
    default:
      return openSynthetic(name, setup);
  }
}

/**
 * @param {File | undefined} file selected by the user; without one, the address in the options is used
 * @param {string} address the option with that address
 * @param {SourceSetup} setup
 * @param {(file: File, setup: SourceSetup) => Promise<Source>} open
 */
async function openSelected(file, address, setup, open) {
  const url = String(setup.values[address] ?? "");
  if (!file && !url) return undefined;
  return open(file ?? (await fetchFile(url, setup.signal)), setup);
}
