/**
 * Decodes a picture that stands still, or of one that was cut off the part that is there.
 * @module
 */

import { missingPart, pictureType, textOf } from "./file_kind.mjs";

const JPEG_END = Uint8Array.of(0xff, 0xd9);
const NOTHING_SHOWN_MS = 3000;

/**
 * @param {Blob} file
 * @returns {Promise<{ picture: ImageBitmap | null, missing: string }>} null if nothing can be decoded; `missing`: what the
 *   file lacks, empty if the whole picture was decoded
 */
export async function decodePicture(file) {
  const whole = await createImageBitmap(file).catch(() => null);
  if (whole) return { picture: whole, missing: "" };
  const missing = await missingPart(file);
  return { picture: missing ? await decodePart(file).catch(() => null) : null, missing };
}

/** @param {Blob} file @returns {Promise<ImageBitmap | null>} */
async function decodePart(file) {
  const type = pictureType(await textOf(file, 0, 64));
  // What is missing is grey, as Pillow shows it.
  if (type === "image/jpeg") return createImageBitmap(new Blob([file, JPEG_END]));
  if (!["image/png", "image/gif", "image/bmp"].includes(type) || typeof ImageDecoder === "undefined")
    return null;
  const { stream, stop } = openBeginning(await file.arrayBuffer());
  const decoder = new ImageDecoder({ data: stream, type });
  try {
    const { image } = await decoder.decode({ completeFramesOnly: false });
    const picture = await createImageBitmap(image);
    image.close();
    return picture;
  } finally {
    stop();
    decoder.close();
  }
}

/**
 * A stream that stays open behind its bytes: decoders show a part of a picture as long as more may come. It ends if that
 * takes long, since they wait for ever if the file ends before its first pixels.
 * @param {ArrayBuffer} bytes
 */
function openBeginning(bytes) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let given = false;
  const stream = new ReadableStream(
    {
      pull(controller) {
        if (given) timer = setTimeout(() => controller.close(), NOTHING_SHOWN_MS);
        else controller.enqueue(new Uint8Array(bytes));
        given = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, stop: () => clearTimeout(timer) };
}
