/**
 * What the page's modules use of a browser and the oldest supported Node lacks. Loaded before every test file
 * by `--import`.
 * @module
 */

if (!("parse" in URL)) {
  /** @type {any} */ (URL).parse = (/** @type {string} */ address, /** @type {string} */ base) =>
    URL.canParse(address, base) ? new URL(address, base) : null;
}

/** Pixels and their size, without a canvas to draw them on. */
class ImageDataStub {
  /**
   * @param {Uint8ClampedArray} data
   * @param {number} width
   * @param {number} [height]
   */
  constructor(data, width, height = data.length / 4 / width) {
    if (data.length !== 4 * width * height) throw new RangeError("The data is not that of such a picture.");
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

/** A picture of which only the size is known. */
class ImageBitmapStub {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
  }
  close() {}
}

const missing = {
  ImageData: ImageDataStub,
  ImageBitmap: ImageBitmapStub,
  navigator: { onLine: true, hardwareConcurrency: 4 },
  location: { origin: "https://page.example", href: "https://page.example/" },
  document: Object.assign(new EventTarget(), { baseURI: "https://page.example/folder/" }),
  isSecureContext: true,
};
for (const [name, value] of Object.entries(missing)) {
  if (!(name in globalThis))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
