/**
 * Opens a source by its name.
 * @module
 */

/** @import { SelectedMedia } from "./selected_media.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { openCamera } from "./camera.mjs";
import { mediaKind } from "./file_kind.mjs";
import { openPicture } from "./image.mjs";
import { fetchFile } from "./remote_file.mjs";
import { sampleAddress } from "./samples.mjs";
import { openScreen } from "./screen.mjs";
import { openSynthetic } from "./synthetic.mjs";
import { openVideoFile } from "./video_file.mjs";

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
      return openCamera(setup, selected.camera, selected.stream);
    case "screen":
      return openScreen(setup);
    case "image":
      return openSelected(selected.image, "image-url", setup);
    case "file":
      return openSelected(selected.file, "video-url", setup);
    case "sample":
      return openVideoFile(await fetchFile(sampleAddress(String(setup.values.sample)), setup.signal), setup);
    default:
      return openSynthetic(name, setup);
  }
}

/**
 * @param {File | undefined} file selected by the user; without one, the address in the options is used
 * @param {string} address the option with that address
 * @param {SourceSetup} setup
 */
async function openSelected(file, address, setup) {
  const url = String(setup.values[address] ?? "");
  if (!file && !url) return undefined;
  return openFile(file ?? (await fetchFile(url, setup.signal)), setup);
}

/**
 * Opens a picture or a video, whatever its name says.
 * @param {File} file
 * @param {SourceSetup} setup
 * @returns {Promise<Source>}
 */
async function openFile(file, setup) {
  const kind = await mediaKind(file);
  if (kind === "svg") {
    throw new Error(`"${file.name}" is an SVG drawing, which has no pixels: export it as a PNG first.`);
  }
  if (kind === "heic") {
    throw new Error(`"${file.name}" is an HEIC photo, which is not read here: export it as a JPEG first.`);
  }
  return kind === "picture" ? openPicture(file, setup) : openVideoFile(file, setup);
}
