/**
 * Frames from a <video> element, whatever feeds it.
 * @module
 */

/** @import { PictureFrame } from "../../wasm_bridge/autogaze.mjs" */
/** @import { FrameSize } from "./frame_size.mjs" */
/** @import { Source, SourceEvents, SourceSetup } from "./source.mjs" */

// A VideoFrame copies nothing on the page's thread, but in older browsers it loses how a video is turned.
export const KEEPS_ORIENTATION =
  typeof VideoFrame !== "undefined" && "rotation" in VideoFrame.prototype && "flip" in VideoFrame.prototype;

const MUTED_MS = 1000;
const MUTED = "No picture comes at present: the source is muted, covered or in use by another program.";

/**
 * Plays a camera's or screen's stream as a source of frames.
 *
 * @param {MediaStream} stream
 * @param {SourceSetup} setup
 * @param {() => void} onEnded called when the stream ends by itself
 * @param {() => boolean} [mirrored] whether the pictures are mirrored
 * @returns {Source}
 */
export function playingStream(stream, { video, size, events, signal }, onEnded, mirrored = () => false) {
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    if (video.srcObject === stream) video.srcObject = null;
  };
  if (signal.aborted) {
    stop();
    throw new Error("Another source was chosen.");
  }
  const closed = new AbortController();
  for (const track of stream.getVideoTracks()) {
    track.addEventListener("ended", onEnded, { signal: closed.signal });
    watchMuting(track, events, closed.signal);
  }
  video.srcObject = stream;
  video.muted = true;
  const unwatch = watchPictures(video, events.onPicture);
  play(video, events.onRefused);
  return {
    async capture() {
      const frame = await capturePicture(video, size);
      return frame && mirrored() ? { ...frame, mirror: true } : frame;
    },
    pause: () => video.pause(),
    resume: () => play(video, events.onRefused),
    close() {
      closed.abort();
      unwatch();
      stop();
    },
  };
}

/**
 * Says so while a track sends no pictures: the system has muted it, or another program uses its camera.
 * @param {MediaStreamTrack} track
 * @param {SourceEvents} events
 * @param {AbortSignal} signal
 */
function watchMuting(track, events, signal) {
  // Tracks are muted for a moment when they start.
  const check = () => setTimeout(() => !signal.aborted && track.muted && events.onNote(MUTED), MUTED_MS);
  track.addEventListener("mute", check, { signal });
  track.addEventListener("unmute", () => events.onNoteOver(MUTED), { signal });
  if (track.muted) check();
}

/**
 * Calls back for every new picture of a video until stopped.
 *
 * @param {HTMLVideoElement} video
 * @param {(time?: number) => void} onPicture with the picture's time in seconds, where it is known
 * @returns {() => void} stops
 */
export function watchPictures(video, onPicture) {
  let handle = 0;
  const next = () => {
    handle = video.requestVideoFrameCallback((_, { mediaTime }) => {
      next();
      onPicture(mediaTime);
    });
  };
  const onSeeked = () => onPicture();
  next();
  // Two kinds of pictures have no callback: the one shown already, and the only one of a video of one frame.
  video.addEventListener("seeked", onSeeked);
  onPicture();
  return () => {
    video.cancelVideoFrameCallback(handle);
    video.removeEventListener("seeked", onSeeked);
  };
}

/**
 * Plays a video; if the browser blocks autoplay, the user has to start it.
 *
 * @param {HTMLVideoElement} video
 * @param {(sentence: string) => void} onRefused
 */
export function play(video, onRefused) {
  video.play().catch((error) => {
    // Another source was chosen before this one started.
    if (error instanceof DOMException && error.name === "AbortError") return;
    onRefused("The browser did not start the video by itself: press Start.");
  });
}

/**
 * The current picture of a video, to be scaled.
 *
 * @param {HTMLVideoElement} video
 * @param {FrameSize} size of the frame, from the video's displayed size
 * @returns {Promise<PictureFrame | null>} null while the video has no picture
 */
export async function capturePicture(video, size) {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth || !videoHeight || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
  const image = KEEPS_ORIENTATION ? new VideoFrame(video) : await createImageBitmap(video);
  return { image, ...size(videoWidth, videoHeight) };
}
