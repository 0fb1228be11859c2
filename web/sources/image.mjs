/**
 * Pictures: one that stands still is repeated at the rate of the option `static-fps`, an animated one plays as a file.
 * @module
 */

/** @import { Source, SourceSetup } from "./source.mjs" */

import { showNotice } from "../page/notice.mjs";
import { decodesAnimations, openAnimation } from "./animated_picture.mjs";
import { readAnimation } from "./animation.mjs";
import { decodePicture } from "./picture_decoding.mjs";
import { ticking } from "./synthetic.mjs";
import { takeOrientation, turnPicture } from "./webp_orientation.mjs";

const MAX_FILE_BYTES = 100e6;
const MAX_PIXELS = 100e6;
const FORMATS = "Choose a picture that this browser shows, such as PNG, JPEG, WebP or AVIF.";

/**
 * @param {File} file
 * @param {SourceSetup} setup
 * @returns {Promise<Source>}
 * @throws {Error} with a sentence for the user
 */
export async function openPicture(file, setup) {
  checkFileSize(file);
  const { file: upright, orientation } = await takeOrientation(file);
  const animation = await readAnimation(upright);
  if (!animation) return openStill(upright, orientation, setup);
  checkPictureSize(file.name, animation.width, animation.height);
  if (decodesAnimations()) return openAnimation(upright, { ...animation, orientation }, setup);
  showNotice(
    `This browser cannot play "${file.name}": the first of its ${animation.durations.length} frames is shown.`,
  );
  return openStill(upright, orientation, setup);
}

/**
 * @param {File} file
 * @param {number} orientation
 * @param {SourceSetup} setup
 * @returns {Promise<Source>}
 */
async function openStill(file, orientation, { size, values, events }) {
  const picture = turnPicture(await decode(file), orientation);
  /** The picture at the last size, so that a photo is not scaled down again for every frame. */
  let scaled = picture;
  const source = ticking(
    Number(values["static-fps"]),
    async () => {
      const { width, height } = size(picture.width, picture.height);
      if (scaled.width !== width || scaled.height !== height) {
        if (scaled !== picture) scaled.close();
        const resized = { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" };
        scaled = await createImageBitmap(picture, /** @type {ImageBitmapOptions} */ (resized));
      }
      // Frames are transferred to the worker, so each one is a copy.
      return { image: await createImageBitmap(scaled), width, height, still: true };
    },
    events.onPicture,
  );
  return {
    ...source,
    title: file.name,
    close() {
      source.close();
      scaled.close();
      picture.close();
    },
  };
}

/** @param {File} file */
async function decode(file) {
  const { picture, missing } = await decodePicture(file);
  if (!picture) {
    const remedy = missing ? `It is cut off (${missing}): get the whole file.` : FORMATS;
    throw new Error(`"${file.name}" cannot be read as a picture. ${remedy}`);
  }
  try {
    checkPictureSize(file.name, picture.width, picture.height);
  } catch (error) {
    picture.close();
    throw error;
  }
  if (missing)
    showNotice(`"${file.name}" is cut off (${missing}): the part of it that can be decoded is shown.`);
  return picture;
}

/** @param {File} file */
function checkFileSize({ name, size }) {
  if (size === 0) throw new Error(`"${name}" is empty. ${FORMATS}`);
  if (size > MAX_FILE_BYTES) {
    throw new Error(`"${name}" has ${Math.round(size / 1e6)} MB: choose a picture of at most 100 MB.`);
  }
}

/** @param {string} name @param {number} width @param {number} height */
function checkPictureSize(name, width, height) {
  if (width * height <= MAX_PIXELS) return;
  throw new Error(`"${name}" is too large (${width}×${height}): choose a picture of at most 100 megapixels.`);
}
