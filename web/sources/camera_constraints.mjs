/**
 * What a camera is asked for: its pictures' size and rate, and which camera.
 * @module
 */

/** @import { Values } from "../settings/options.mjs" */
/** @import { SourceSetup } from "./source.mjs" */

const FAST = 60;
const STANDARD = 30;
// Pictures of this size, which browsers ask for by themselves, are processed in less than 1/60 s (docs/speed.md). Larger
// ones are not, and many cameras give those 30 times a second at most: asked for 60, they would give smaller ones.
const LARGEST_FAST = { width: 640, height: 480 };

/**
 * All wishes but the camera itself are ideals, so that no camera is refused for want of a mode. The rate is always one
 * of them: without it, some cameras give their largest pictures only a few times a second.
 * @param {Pick<SourceSetup, "values" | "width">} setup
 * @param {string} [device] id of a camera; without it the options say which way it looks
 * @returns {MediaTrackConstraints}
 */
export function cameraConstraints({ values, width: automaticWidth }, device) {
  const own = sides(values, "camera");
  const size = own.width || own.height ? own : sides(values, "inference", automaticWidth());
  const facing = { front: "user", back: "environment" }[String(values["camera-facing"])];
  return {
    frameRate: { ideal: frameRate(values, size) },
    ...(size.width ? { width: { ideal: size.width } } : {}),
    ...(size.height ? { height: { ideal: size.height } } : {}),
    ...(device ? { deviceId: { exact: device } } : facing ? { facingMode: { ideal: facing } } : {}),
  };
}

/**
 * Both sides, where an option says them.
 * @param {Values} values of the options
 * @param {string} prefix of the options' names
 * @param {number} [width] where no option says it
 */
function sides(values, prefix, width) {
  return {
    width: Number(values[`${prefix}-width`]) || width,
    height: Number(values[`${prefix}-height`]) || undefined,
  };
}

/**
 * @param {Values} values of the options
 * @param {{ width?: number | undefined, height?: number | undefined }} size that is asked for
 */
function frameRate(values, { width = 0, height = 0 }) {
  const isFast = width <= LARGEST_FAST.width && height <= LARGEST_FAST.height;
  return Number(values["camera-frame-rate"]) || (isFast ? FAST : STANDARD);
}
