/**
 * Pictures: one that stands still is repeated at the rate of the option `static-fps`, an animated one plays as a file.
 * @module
 */

/** @import { Source, SourceSetup } from "./source.mjs" */

import { showNotice } from "../page/notice.mjs";
import { decodesAnimations, openAnimation } from "./animated_picture.mjs";
import { readAnimation } from "./animation.mjs";
import { missingPart } from "./file_kind.mjs";
import { ticking } from "./synthetic.mjs";

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
  const animation = await readAnimation(file);
  if (!animation) return openStill(file, setup);
  checkPictureSize(file.name, animation.width, animation.height);
  if (decodesAnimations()) return openAnimation(file, animation, setup);
  showNotice(
    `This browser cannot play "${file.name}": the first of its ${animation.durations.length} frames is shown.`,
  );
  return openStill(file, setup);
}

/**
 * @param {File} file
 * @param {SourceSetup} setup
 * @returns {Promise<Source>}
 */
async function openStill(file, { size, values, events }) {
  const picture = await decode(file);
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
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) {
    const missing = await missingPart(file);
    const remedy = missing ? `It is cut off (${missing}): get the whole file.` : FORMATS;
    throw new Error(`"${file.name}" cannot be read as a picture. ${remedy}`);
  }
  try {
    checkPictureSize(file.name, picture.width, picture.height);
  } catch (error) {
    picture.close();
    throw error;
  }
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
