import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { captionLayout } from "../../web/export/caption.mjs";
import { credits } from "../../web/export/credits.mjs";
import { withTexts } from "../../web/export/png_text.mjs";

/** @param {string} type @param {Buffer} body */
function chunk(type, body) {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  const content = Buffer.concat([Buffer.from(type), body]);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(content));
  return Buffer.concat([head, content, tail]);
}

test("a PNG gets its texts behind the header, each with its checksum, and nothing else changes", async () => {
  const size = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const head = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk("IHDR", size)]);
  const rest = Buffer.concat([
    chunk("IDAT", deflateSync(Buffer.from([0, 7]))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  const png = new Blob([head, rest], { type: "image/png" });
  const texts = { Title: "AutoGaze: bunny.webm", Description: "94 % übersprungen" };
  const written = Buffer.from(await (await withTexts(png, texts)).arrayBuffer());
  const chunks = Object.entries(texts).map(([name, text]) =>
    chunk("iTXt", Buffer.from(`${name}\0\0\0\0\0${text}`)),
  );
  assert.deepEqual(written, Buffer.concat([head, ...chunks, rest]));
});

test("the height of a caption is even and grows with the picture", () => {
  const heights = [160, 641, 1928, 3840].map((width) => captionLayout(width).height);
  assert.deepEqual(
    heights.map((height) => height % 2),
    [0, 0, 0, 0],
  );
  assert.deepEqual(
    [...heights].sort((a, b) => a - b),
    heights,
  );
});

test("exports name the page without its settings", (context) => {
  const before = { location: globalThis.location, document: globalThis.document };
  context.after(() => Object.assign(globalThis, before));
  Object.assign(globalThis, { document: { title: "AutoGaze" } });
  const found = ["https://a.org/", "https://a.org/b/index.html?source=file", "https://a.org:81/b/"].map(
    (href) => {
      Object.assign(globalThis, { location: new URL(href) });
      return credits();
    },
  );
  assert.deepEqual(
    found,
    ["a.org", "a.org/b", "a.org:81/b"].map((address) => ({ title: "AutoGaze", address })),
  );
});
