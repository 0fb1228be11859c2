/**
 * Notices when something else than the page pauses a video: a media key, an extension, a phone that saves power.
 * @module
 */

// Shorter interruptions are the browser's own.
const INTERRUPTED_MS = 1000;

/**
 * @param {HTMLVideoElement} video
 * @param {() => void} onInterrupted called when it was paused and still is a second later; the page may have done it
 */
export function watchInterruptions(video, onInterrupted) {
  const check = () => {
    const hasPictures = video.srcObject !== null || video.src !== "";
    if (hasPictures && video.paused && !video.ended) onInterrupted();
  };
  video.addEventListener("pause", () => setTimeout(check, INTERRUPTED_MS));
}
