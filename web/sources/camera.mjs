/**
 * The user's camera.
 * @module
 */

/** @import { Values } from "../settings/options.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { cameraConstraints } from "./camera_constraints.mjs";
import { playingStream } from "./video_frames.mjs";

const UNPLUGGED =
  "The camera was unplugged or taken away. Connect it and press Start, or choose another source.";

/** The pictures that the camera of a track was asked for. @type {WeakMap<MediaStreamTrack, string>} */
const ASKED = new WeakMap();

/**
 * @param {SourceSetup} setup
 * @param {string} [device] id of a camera; without it the browser chooses one
 * @param {MediaStream} [stream] of a camera that the user has allowed already
 * @returns {Promise<Source>}
 * @throws {Error} with a sentence for the user
 */
export async function openCamera(setup, device, stream) {
  return new CameraSource(setup, stream ?? (await requestCamera(setup, device)));
}

/**
 * Asks the user for a camera.
 * @param {Pick<SourceSetup, "values" | "events" | "width">} setup
 * @param {string} [device] id of a camera; without it the browser chooses one
 * @param {string} [retry] what the user has to do to be asked again
 * @returns {Promise<MediaStream>}
 * @throws {Error} with a sentence for the user
 */
export async function requestCamera(setup, device, retry) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(
      "The camera needs a secure page: open it by https or on localhost, or choose another source.",
    );
  }
  return requestStream(setup, device, retry);
}

/**
 * @param {Values} values of the options
 * @param {boolean} isFront whether the camera looks at the user, as phones say
 */
export function isMirrored(values, isFront) {
  const wanted = values["camera-mirror"];
  return wanted === "auto" ? isFront : wanted === true;
}

/**
 * A camera, which is let go while the source is paused.
 * @implements {Source}
 */
class CameraSource {
  /** The camera's id. */
  device = "";
  isFront = false;

  #setup;
  #label = "";
  /** Plays the camera; undefined while it is paused. @type {Source | undefined} */
  #playing;
  /** @type {MediaStreamTrack | undefined} */
  #track;
  /** Number of the latest request to pause or resume. */
  #request = 0;

  /**
   * @param {SourceSetup} setup
   * @param {MediaStream} stream
   */
  constructor(setup, stream) {
    this.#setup = setup;
    this.#play(stream);
  }

  async capture() {
    return this.#playing ? this.#playing.capture() : null;
  }

  pause() {
    this.#request += 1;
    this.#playing?.close();
    this.#playing = undefined;
    this.#track = undefined;
  }

  async resume() {
    const request = ++this.#request;
    const { events, signal } = this.#setup;
    try {
      const stream = await requestStream(this.#setup, this.device);
      if (request === this.#request && !signal.aborted) this.#play(stream);
      else for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      if (request === this.#request) events.onEnd(error instanceof Error ? error.message : String(error));
    }
  }

  adapt() {
    const wanted = cameraConstraints(this.#setup, this.device);
    if (!this.#track || ASKED.get(this.#track) === pictures(wanted)) return;
    ASKED.set(this.#track, pictures(wanted));
    // What the camera cannot do changes nothing.
    this.#track.applyConstraints(wanted).catch(() => {});
  }

  close() {
    this.pause();
  }

  /** @param {MediaStream} stream */
  #play(stream) {
    const [track] = stream.getVideoTracks();
    this.#track = track;
    const { deviceId, facingMode } = track?.getSettings() ?? {};
    this.device = deviceId ?? "";
    this.isFront = facingMode === "user";
    this.#label = track?.label || "The camera";
    const mirrored = () => isMirrored(this.#setup.values, this.isFront);
    this.#playing = playingStream(stream, this.#setup, () => this.#replace(), mirrored);
    // What it should give may have changed while the user was asked.
    this.adapt();
  }

  /** The camera is gone: has another one opened instead, if there is one. */
  async #replace() {
    const { events, signal } = this.#setup;
    const other = (await listCameras()).find(({ id }) => id && id !== this.device);
    if (signal.aborted) return;
    if (!other) events.onEnd(UNPLUGGED);
    else {
      const sentence = `${this.#label} was unplugged or taken away: ${other.label} is used now.`;
      events.onReplaced(other.id, sentence);
    }
  }
}

/**
 * @param {Pick<SourceSetup, "values" | "events" | "width">} setup
 * @param {string} [device] if this camera is gone, another one is opened
 * @param {string} [retry]
 * @returns {Promise<MediaStream>}
 * @throws {Error} with a sentence for the user
 */
async function requestStream(setup, device, retry = "press Start") {
  const { events } = setup;
  const request = async (/** @type {string} */ id = "") => {
    const video = cameraConstraints(setup, id);
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    for (const track of stream.getTracks()) ASKED.set(track, pictures(video));
    return stream;
  };
  try {
    if (!device) return await request();
    const stream = await request(device).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (stream) return stream;
    const other = await request();
    events.onNote(
      `The chosen camera is gone: ${other.getVideoTracks()[0]?.label || "another one"} is used now.`,
    );
    return other;
  } catch (error) {
    throw new Error(sentenceFor(error, retry));
  }
}

/** @param {MediaTrackConstraints} wanted */
function pictures({ frameRate, width, height }) {
  return JSON.stringify([frameRate, width, height]);
}

/** @param {unknown} error of a request for one camera */
function isMissing(error) {
  return error instanceof DOMException && ["OverconstrainedError", "NotFoundError"].includes(error.name);
}

/** The cameras of this machine. They have names once the user has allowed one of them. */
export async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices
    .filter(({ kind }) => kind === "videoinput")
    .map(({ deviceId, label }, index) => ({ id: deviceId, label: label || `Camera ${index + 1}` }));
}

/**
 * @param {unknown} error
 * @param {string} retry what the user has to do to be asked again
 */
function sentenceFor(error, retry) {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
      return `The camera was not allowed. Allow it in the browser's address bar and ${retry}, or choose another source.`;
    case "NotFoundError":
      return `No camera was found. Connect one and ${retry}, or choose another source.`;
    case "OverconstrainedError":
      return "That camera is gone. Choose another one, or another source.";
    case "NotReadableError":
      return `The camera is in use by another program. Close that program and ${retry}, or choose another source.`;
    default:
      return `The camera could not be opened (${error instanceof Error ? error.message : error}). ${retry[0]?.toUpperCase()}${retry.slice(1)} to try again, or choose another source.`;
  }
}
