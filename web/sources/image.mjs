/**
 * One picture, repeated at the rate of the option `static-fps`.
 * @module
 */

/** @import { Source, SourceSetup } from "./source.mjs" */

import { ticking } from "./synthetic.mjs";

const MAX_FILE_BYTES = 100e6;
const MAX_PIXELS = 100e6;

/**
 * @param {File} file
 * @param {SourceSetup} setup
 * @returns {Promise<Source>}
 * @throws {Error} with a sentence for the user
 */
export async function openImage(file, { size, values, events }) {
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
      return { image: await createImageBitmap(scaled), width, height };
    },
    events.onPicture,
  );
  return {
    ...source,
    close() {
      source.close();
      scaled.close();
      picture.close();
    },
  };
}

/** @param {File} file */
async function decode(file) {
  const formats = "Choose a picture that this browser shows, such as PNG, JPEG, WebP or AVIF.";
  if (file.size === 0) throw new Error(`"${file.name}" is empty. ${formats}`);
  if (file.size > MAX_FILE_BYTES) {
    throw new Error(`"${file.name}" has ${megabytes(file.size)} MB: choose a picture of at most 100 MB.`);
  }
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) throw new Error(`"${file.name}" cannot be read as a picture. ${formats}`);
  if (picture.width * picture.height > MAX_PIXELS) {
    const shape = `${picture.width}×${picture.height}`;
    picture.close();
    throw new Error(`"${file.name}" is too large (${shape}): choose a picture of at most 100 megapixels.`);
  }
  return picture;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return Math.round(bytes / 1e6);
}
