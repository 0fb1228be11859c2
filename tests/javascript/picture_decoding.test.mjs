import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { missingPart } from "../../web/sources/file_kind.mjs";
import { decodePicture } from "../../web/sources/picture_decoding.mjs";
import { takeOrientation, turnPicture } from "../../web/sources/webp_orientation.mjs";

const bytesOf = (/** @type {string} */ text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const PNG = "\x89PNG\r\n\x1a\n";

describe("what a picture lacks", () => {
  test("is its end, or what it states", async () => {
    for (const [content, missing] of /** @type {[string, string][]} */ ([
      [`${PNG}..IEND\xae\x42\x60\x82`, ""],
      [`${PNG}..IDAT`, "its end is missing"],
      ["\xff\xd8\xff..\xff\xd9\0\0", ""],
      ["\xff\xd8\xff..\xff", "its end is missing"],
      ["GIF89a..;", ""],
      ["GIF89a..", "its end is missing"],
      ["BM\x0c\0\0\0\0\0\0\0..", ""],
      ["BM\x0d\0\0\0\0\0\0\0..", "it states 13 bytes and has 12"],
      ["\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x02\0\0\0\x16\0\0\0..", ""],
      ["\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x03\0\0\0\x16\0\0\0..", "it states 25 bytes and has 24"],
    ])) {
      assert.equal(await missingPart(new Blob([bytesOf(content)])), missing, JSON.stringify(content));
    }
  });
});

describe("a picture", () => {
  /** @type {string[]} */
  let decoded;
  /** What a decoder does with the chunks of its stream. @type {(reader: any) => Promise<any>} */
  let decode;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    decoded = [];
    /** @param {any} source */
    const createImageBitmap = async (source) => {
      if (!(source instanceof Blob)) return { ...source };
      const text = Buffer.from(await source.arrayBuffer()).toString("latin1");
      decoded.push(text);
      if (!/(\xff\xd9|IEND)$/.test(text)) throw new Error("no picture");
      return { text };
    };
    class ImageDecoder {
      /** @param {{ data: ReadableStream }} init */
      constructor({ data }) {
        this.data = data;
      }
      decode() {
        return decode(this.data.getReader());
      }
      close() {}
    }
    Object.assign(globalThis, { createImageBitmap, ImageDecoder });
  });
  afterEach(() => {
    mock.timers.reset();
    Object.assign(globalThis, { createImageBitmap: undefined, ImageDecoder: undefined });
  });

  test("that is whole is decoded at once", async () => {
    const { picture, missing } = await decodePicture(new Blob([bytesOf(`${PNG}IEND`)]));
    assert.deepEqual([picture, missing], [{ text: `${PNG}IEND` }, ""]);
  });

  test("of a JPEG that was cut off is given an end", async () => {
    const { picture, missing } = await decodePicture(new Blob([bytesOf("\xff\xd8\xffhalf")]));
    assert.deepEqual([picture, missing], [{ text: "\xff\xd8\xffhalf\xff\xd9" }, "its end is missing"]);
  });

  test("of other kinds comes from a stream that stays open", async () => {
    decode = async (reader) => {
      const { value } = await reader.read();
      reader.read();
      return { image: { size: value.length, close() {} } };
    };
    const { picture, missing } = await decodePicture(new Blob([bytesOf(`${PNG}half`)]));
    assert.deepEqual([/** @type {any} */ (picture).size, missing], [12, "its end is missing"]);
  });

  test("without any pixels is none, after a while", async () => {
    decode = async (reader) => {
      await reader.read();
      const next = reader.read();
      await Promise.resolve();
      mock.timers.tick(10_000);
      assert((await next).done);
      throw new Error("no pixels");
    };
    const { picture, missing } = await decodePicture(new Blob([bytesOf(PNG)]));
    assert.deepEqual([picture, missing], [null, "its end is missing"]);
  });

  test("that is cut off is none where the browser decodes no parts", async () => {
    Object.assign(globalThis, { ImageDecoder: undefined });
    for (const content of [PNG, "RIFF\x40\0\0\0WEBPVP8 \x30\0\0\0"]) {
      const { picture, missing } = await decodePicture(new Blob([bytesOf(content)]));
      assert.equal(picture, null);
      assert.notEqual(missing, "");
    }
  });
});

describe("the orientation of a WebP", () => {
  /** @param {number} orientation @param {string} [mark] before the TIFF, as some programs write it */
  function webp(orientation, mark = "", entries = 1) {
    const tiff = `II*\0\x08\0\0\0${String.fromCharCode(entries)}\0\x12\x01\x03\0\x01\0\0\0${String.fromCharCode(orientation)}\0\0\0`;
    const exif = mark + tiff;
    const chunks = `VP8X\x0a\0\0\0\x08${"\0".repeat(9)}VP8 \x01\0\0\0.\0EXIF${String.fromCharCode(exif.length)}\0\0\0${exif}`;
    return new File([bytesOf(`RIFF\0\0\0\0WEBP${chunks}`)], "a.webp");
  }

  test("is read and taken out of the file", async () => {
    for (const mark of ["", "Exif\0\0"]) {
      const { file, orientation } = await takeOrientation(webp(6, mark));
      assert.equal(orientation, 6);
      assert.deepEqual(await file.arrayBuffer(), await webp(1, mark).arrayBuffer());
      assert.equal(file.name, "a.webp");
    }
  });

  test("is 1 where there is none", async () => {
    const files = [
      webp(1),
      webp(9),
      webp(0),
      new File(["no picture"], "a"),
      new File([webp(6).slice(0, -14)], "a"),
    ];
    for (const file of files) assert.deepEqual(await takeOrientation(file), { file, orientation: 1 });
  });

  test("turns the corners of a picture as EXIF says", () => {
    /** Places of the stored corners, clockwise from the top left one, among the shown ones. */
    const corners = ["", "1032", "2301", "3210", "0321", "1230", "2103", "3012"];
    for (const [index, expected] of corners.entries()) {
      let closed = 0;
      /** @type {number[]} */
      let matrix = [];
      /** @type {number[]} */
      let size = [];
      class OffscreenCanvas {
        /** @param {number} width @param {number} height */
        constructor(width, height) {
          size = [width, height];
        }
        getContext() {
          return {
            setTransform: (/** @type {number[]} */ ...values) => (matrix = values),
            drawImage() {},
          };
        }
        transferToImageBitmap() {
          return "turned";
        }
      }
      Object.assign(globalThis, { OffscreenCanvas });
      const picture = /** @type {any} */ ({ width: 4, height: 2, close: () => closed++ });
      const turned = turnPicture(picture, index + 1);
      assert.deepEqual([turned, closed], expected ? ["turned", 1] : [picture, 0]);
      if (!expected) continue;
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = matrix;
      const [width = 0, height = 0] = size;
      const shown = [
        [0, 0],
        [4, 0],
        [4, 2],
        [0, 2],
      ].map(([x = 0, y = 0]) => {
        const [right, down] = [a * x + c * y + e, b * x + d * y + f];
        return [
          [0, 0],
          [width, 0],
          [width, height],
          [0, height],
        ].findIndex(([across, along]) => across === right && along === down);
      });
      assert.equal(shown.join(""), expected, `orientation ${index + 1}`);
    }
  });
});
