/**
 * Opens a source by its name.
 * @module
 */

import { openCamera } from "./camera.mjs";
import { openImage } from "./image.mjs";
import { fetchFile } from "./remote_file.mjs";
import { openScreen } from "./screen.mjs";
import { openSynthetic } from "./synthetic.mjs";
import { openVideoFile } from "./video_file.mjs";

/** @typedef {import("./source.mjs").Source} Source */
/** @typedef {import("./source.mjs").SourceSetup} SourceSetup */

/**
 * What the user chose for a source: files, and a camera by its id.
 * @typedef {{ file?: File, image?: File, camera?: string }} Chosen
 */

const SAMPLE = "./sample/news.webm";

/**
 * @param {string} name one of the option `source`'s values
 * @param {SourceSetup} setup
 * @param {Chosen} chosen
 * @returns {Promise<Source | undefined>} undefined if the user has to choose a file first
 * @throws {Error} with a sentence for the user
 */
export async function openSource(name, setup, chosen) {
  switch (name) {
    case "camera":
      return openCamera(setup, chosen.camera);
    case "screen":
      return openScreen(setup);
    case "image":
      return openChosen(chosen.image, "image-url", setup, openImage);
    case "file":
      return openChosen(chosen.file, "video-url", setup, openVideoFile);
    case "sample":
      return openVideoFile(await fetchFile(SAMPLE, setup.signal), setup);
    default:
      return openSynthetic(name, setup);
  }
}

/**
 * @param {File | undefined} file that the user chose; else the one at the address that they gave, if any
 * @param {string} address the option that has it
 * @param {SourceSetup} setup
 * @param {(file: File, setup: SourceSetup) => Promise<Source>} open
 */
async function openChosen(file, address, setup, open) {
  const url = String(setup.values[address] ?? "");
  if (!file && !url) return undefined;
  return open(file ?? (await fetchFile(url, setup.signal)), setup);
}
