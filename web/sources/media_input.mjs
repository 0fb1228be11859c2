/**
 * Opens a video file with Mediabunny, which is loaded only then: most files are played by a <video> alone.
 * @module
 */

/** @typedef {typeof import("mediabunny")} Mediabunny */

import { withWholeBoxes } from "./file_kind.mjs";
import { withWholeClusters } from "./matroska_repair.mjs";

const LIBRARY = new URL("../../runtime/recording/mediabunny.mjs", import.meta.url).href;

/**
 * @param {Blob} file
 * @returns {Promise<{ library: Mediabunny, input: import("mediabunny").Input }>} `input` has to be disposed of
 */
export async function openInput(file) {
  /** @type {Mediabunny} */
  const library = await import(LIBRARY);
  // It warns of what is handled here, such as several edits.
  library.Logging.level = library.LogLevel.Errors;
  // Files only: a playlist (HLS) would make the page fetch what it lists.
  const formats = [library.MP4, library.QTFF, library.WEBM, library.MATROSKA, library.MPEG_TS];
  const source = new library.BlobSource(await withWholeClusters(await withWholeBoxes(file)));
  return { library, input: new library.Input({ formats, source }) };
}

/**
 * The first video. Cover pictures have no codec of a video.
 * @param {import("mediabunny").Input} input
 */
export async function videoTrack(input) {
  const tracks = await input.getVideoTracks();
  return tracks.find(({ codec }) => codec) ?? tracks[0];
}
