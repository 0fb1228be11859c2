/**
 * Opens a video file, whether the user selected it or it was downloaded.
 * @module
 */

/** @import { SourceSetup } from "./source.mjs" */

import { missingPart, withWholeBoxes } from "./file_kind.mjs";
import { FileSource } from "./file_source.mjs";
import { VideoPlayer } from "./video_player.mjs";

const LOAD_TIMEOUT_MS = 15_000;

/**
 * @param {File} file
 * @param {SourceSetup} setup
 * @returns {Promise<FileSource>}
 * @throws {Error} with a sentence for the user
 */
export async function openVideoFile(file, setup) {
  const { name } = file;
  if (file.size === 0) throw new Error(`"${name}" is empty: choose a video file.`);
  const missing = await missingPart(file);
  const { video } = setup;
  const url = URL.createObjectURL(await withWholeBoxes(file));
  video.muted = true;
  video.src = url;
  const close = () => {
    URL.revokeObjectURL(url);
    if (video.src !== url) return; // in use for another file already
    video.removeAttribute("src");
    video.load();
  };
  try {
    await firstPicture(video, name, missing, setup.signal);
  } catch (error) {
    close();
    throw error;
  }
  return new FileSource(
    {
      name,
      missing,
      player: new VideoPlayer(video, close),
      // Most files are never read frame by frame.
      openReader: async (readerSetup) =>
        (await import("./frame_reader.mjs")).FrameReader.open(file, readerSetup),
      readRate: async () => (await import("./frame_rate.mjs")).readFrameRate(file),
    },
    setup,
  );
}

/**
 * Waits until a video can show its first picture.
 * @param {HTMLVideoElement} video
 * @param {string} name of the file
 * @param {string} missing what it lacks, if it was cut off
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function firstPicture(video, name, missing, signal) {
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    /** @param {string} [problem] */
    const settle = (problem) => {
      settled.abort();
      clearTimeout(timer);
      if (problem) reject(new Error(problem));
      else resolve();
    };
    const listening = { signal: settled.signal };
    const formats = missing
      ? `It is cut off (${missing}): get the whole file.`
      : "Choose a video that this browser plays, such as MP4 (H.264) or WebM (VP8, VP9, AV1).";
    const timer = setTimeout(() => settle(`"${name}" took too long to open. ${formats}`), LOAD_TIMEOUT_MS);
    signal.addEventListener("abort", () => settle("Another source was chosen."), listening);
    video.addEventListener(
      "error",
      () => settle(`"${name}" cannot be read as a video. ${formats}`),
      listening,
    );
    video.addEventListener(
      "loadeddata",
      () => settle(video.videoWidth ? undefined : `"${name}" has no pictures, only sound. ${formats}`),
      listening,
    );
  });
}
