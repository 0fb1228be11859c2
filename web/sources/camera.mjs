/**
 * The user's camera.
 * @module
 */

/** @import { Values } from "../settings/options.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { playingStream } from "./video_frames.mjs";

/**
 * @param {SourceSetup} setup
 * @param {string} [device] id of a camera; without it the browser chooses one
 * @returns {Promise<Source>}
 * @throws {Error} with a sentence for the user
 */
export async function openCamera(setup, device) {
  const media = navigator.mediaDevices;
  if (!media?.getUserMedia) {
    throw new Error(
      "The camera needs a secure page: open it by https or on localhost, or choose another source.",
    );
  }
  let stream;
  try {
    stream = await media.getUserMedia({ video: constraints(setup.values, device), audio: false });
  } catch (error) {
    throw new Error(sentenceFor(error));
  }
  const source = playingStream(
    stream,
    setup,
    "The camera was unplugged or taken away. Connect it and press Start, or choose another source.",
    () => setup.values["camera-mirror"] === true,
  );
  return { ...source, device: stream.getVideoTracks()[0]?.getSettings().deviceId ?? "" };
}

/** The cameras of this machine. They have names once the user has allowed one of them. */
export async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices
    .filter(({ kind }) => kind === "videoinput")
    .map(({ deviceId, label }, index) => ({ id: deviceId, label: label || `Camera ${index + 1}` }));
}

/**
 * @param {Values} values
 * @param {string} [device]
 * @returns {MediaTrackConstraints}
 */
function constraints(values, device) {
  const [width, height, frameWidth] = ["camera-width", "camera-height", "inference-width"].map((name) =>
    Number(values[name]),
  );
  const facing = { front: "user", back: "environment" }[String(values["camera-facing"])];
  return {
    frameRate: { max: 30 },
    ...(width || frameWidth ? { width: { ideal: width || frameWidth } } : {}),
    ...(height ? { height: { ideal: height } } : {}),
    ...(device ? { deviceId: { exact: device } } : facing ? { facingMode: { ideal: facing } } : {}),
  };
}

/** @param {unknown} error */
function sentenceFor(error) {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
      return "The camera was not allowed. Allow it in the browser's address bar and press Start, or choose another source.";
    case "NotFoundError":
      return "No camera was found. Connect one and press Start, or choose another source.";
    case "OverconstrainedError":
      return "That camera is gone. Choose another one, or another source.";
    case "NotReadableError":
      return "The camera is in use by another program. Close that program and press Start, or choose another source.";
    default:
      return `The camera could not be opened (${error instanceof Error ? error.message : error}). Press Start to try again, or choose another source.`;
  }
}
