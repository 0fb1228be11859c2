/**
 * Frames from a <video> element, whatever feeds it.
 * @module
 */

/** @import { PictureFrame } from "../../wasm_bridge/autogaze.mjs" */
/** @import { FrameSize } from "./frame_size.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

// A VideoFrame copies nothing on the page's thread, but in older browsers it loses how a video is turned.
export const KEEPS_ORIENTATION =
  typeof VideoFrame !== "undefined" && "rotation" in VideoFrame.prototype && "flip" in VideoFrame.prototype;

/**
 * Plays a camera's or screen's stream as a source of frames.
 *
 * @param {MediaStream} stream
 * @param {SourceSetup} setup
 * @param {string} ended a sentence to show when the stream ends
 * @param {() => boolean} [mirrored] whether the pictures are mirrored
 * @returns {Source}
 */
export function playingStream(stream, { video, size, events, signal }, ended, mirrored = () => false) {
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    if (video.srcObject === stream) video.srcObject = null;
  };
  if (signal.aborted) {
    stop();
    throw new Error("Another source was chosen.");
  }
  for (const track of stream.getVideoTracks()) track.addEventListener("ended", () => events.onEnd(ended));
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
      unwatch();
      stop();
    },
  };
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
