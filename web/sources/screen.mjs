/**
 * A screen, a window or a tab that the user shares.
 * @module
 */

/** @import { Source, SourceSetup } from "./source.mjs" */

import { playingStream } from "./video_frames.mjs";

/**
 * @param {SourceSetup} setup
 * @returns {Promise<Source>}
 * @throws {Error} with a sentence for the user
 */
export async function openScreen(setup) {
  const media = navigator.mediaDevices;
  if (!media?.getDisplayMedia) {
    throw new Error(
      "This browser cannot show a screen here: use a computer's browser, or choose another source.",
    );
  }
  let stream;
  try {
    stream = await media.getDisplayMedia({
      video: { frameRate: { max: 30 } },
      audio: false,
      // This page in its own input would be a hall of mirrors.
      ...{ selfBrowserSurface: "exclude", surfaceSwitching: "include" },
    });
  } catch (error) {
    throw new Error(sentenceFor(error));
  }
  return playingStream(stream, setup, () =>
    setup.events.onEnd(
      "The screen is no longer shared. Press Start to choose one again, or choose another source.",
    ),
  );
}

/** @param {unknown} error */
function sentenceFor(error) {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "InvalidStateError": // a browser asks only after a click
      return "Press Start to choose a screen, a window or a tab.";
    case "NotAllowedError":
      return "No screen was chosen, or it was not allowed. Press Start to choose one, or choose another source.";
    case "NotFoundError":
      return "There is no screen to show. Choose another source.";
    default:
      return `The screen could not be shown (${error instanceof Error ? error.message : error}). Press Start to try again, or choose another source.`;
  }
}
