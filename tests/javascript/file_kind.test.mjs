import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { kindOf, mediaKind, missingPart, withWholeBoxes } from "../../web/sources/file_kind.mjs";
import { hasBrokenElements, withWholeClusters } from "../../web/sources/matroska_repair.mjs";
import { readMp4Index } from "../../web/sources/mp4_index.mjs";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** Bytes of numbers and texts. @param {...(number | number[] | string | Bytes)} parts */
function bytes(...parts) {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string"
        ? [...part].map((letter) => letter.charCodeAt(0))
        : typeof part === "number"
          ? [part]
          : [...part],
    ),
  );
}
/** @param {number} value */
const u32 = (value) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
/** A box. @param {string} type @param {...(number | number[] | string | Bytes)} content */
function box(type, ...content) {
  const inside = bytes(...content);
  return bytes(u32(inside.length + 8), type, inside);
}
/** @param {...(string | Bytes)} parts */
const blob = (...parts) => new Blob(parts.map((part) => (typeof part === "string" ? bytes(part) : part)));

describe("the kind of a file", () => {
  test("is told by its bytes, whatever its name and type are", async () => {
    for (const [head, kind] of /** @type {[string, string][]} */ ([
      ["GIF89a", "picture"],
      ["\x89PNG\r\n\x1a\n", "picture"],
      ["\xff\xd8\xff\xe0", "picture"],
      ["RIFF\0\0\0\0WEBPVP8 ", "picture"],
      ["RIFF\0\0\0\0AVI LIST", "video"],
      ["\0\0\0\x1cftypavif\0\0\0\0mif1", "picture"],
      ["\0\0\0\x1cftypmsf1\0\0\0\0avis", "picture"],
      ["\0\0\0\x18ftypisom\0\0\0\0isom", "video"],
      ["\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"],
      ["\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heic"],
      ["\0\0\x01\0\x01\0\x10\x10\0\0", "picture"],
      ["\0\0\x01\xb3\x01\0\x10\x10\0\0", "video"],
      ["II*\0", "picture"],
      ["BM\0\0\0\0\0\0\0\0", "picture"],
      ["\x1aE\xdf\xa3", "video"],
      ["\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a\n drawing -->\n<svg>", "svg"],
      ["  <SVG xmlns=''>", "svg"],
      ["<html><svg>", "video"],
      ["", "video"],
    ])) {
      assert.equal(await kindOf(blob(head)), kind, JSON.stringify(head));
    }
    const file = new File(["no picture"], "a", { type: "image/heic" });
    assert.equal(await mediaKind(file), "picture");
    assert.equal(await mediaKind(new File(["no picture"], "a")), "video");
  });
});

describe("what a file lacks", () => {
  const ebml = [0x1a, 0x45, 0xdf, 0xa3, 0x80];
  const segment = [0x18, 0x53, 0x80, 0x67];

  test("is found by the sizes that it states", async () => {
    const whole = [box("ftyp", "isom"), box("moov", [1, 2, 3]), box("mdat", new Uint8Array(20))];
    assert.equal(await missingPart(blob(...whole)), "");
    assert.equal(await missingPart(blob(...whole, bytes([0x7f, 0xff, 0xff, 0xff], "SEFT"))), "");
    const cut = blob(...whole).slice(0, -5);
    assert.equal(await missingPart(cut), "it states 51 bytes and has 46");
    assert.equal(await missingPart(blob(box("ftyp", "isom"), box("mdat"))), "its index (moov) is missing");
    assert.equal(await missingPart(blob(box("ftyp", "avif"), box("meta"), box("mdat"))), "");
    assert.equal(
      await missingPart(blob(bytes("RIFF", [0, 1, 0, 0], "AVI "))),
      "it states 264 bytes and has 12",
    );
    assert.equal(await missingPart(blob(bytes(ebml, segment, [0x41, 0]))), "it states 267 bytes and has 11");
    assert.equal(await missingPart(blob(bytes(ebml, segment, [0x01], Array(7).fill(0xff)))), "");
    assert.equal(await missingPart(blob("anything")), "");
  });

  test("is cut from the last box of an MP4, unless it has frames", async () => {
    const start = bytes(box("ftyp", "isom"), box("moov", "index"));
    const text = async (/** @type {Bytes | string} */ end) => (await withWholeBoxes(blob(start, end))).text();
    for (const end of [
      "",
      box("mdat", "frames"),
      box("mdat", "frames").slice(0, -3),
      "no box, but more text",
    ]) {
      assert.equal(await text(end), await blob(start, end).text());
    }
    for (const end of [box("moof", "index").slice(0, -3), box("moof", "").slice(0, 5)]) {
      assert.equal(await text(end), await blob(start).text());
    }
    const other = blob("no MP4");
    assert.equal(await withWholeBoxes(other), other);
  });

  test("can be within a Matroska file, where no element begins", async () => {
    const cluster = bytes([0x1f, 0x43, 0xb6, 0x75, 0x8f]);
    const blocks = bytes([0xe7, 0x81, 0], [0xa3, 0x84, 1, 0, 0, 0], [0xa0, 0x84, 1, 0, 0, 0]);
    const film = (/** @type {Bytes[]} */ ...parts) => {
      const content = bytes(...parts);
      return blob(bytes(ebml, segment, [0x40, content.length]), content);
    };
    assert.equal(await hasBrokenElements(film(cluster, blocks, cluster, blocks)), false);
    assert.equal(await hasBrokenElements(new Blob([film(cluster, blocks), "anything"])), false);
    assert.equal(await hasBrokenElements(film(cluster, blocks, new Uint8Array(20), cluster, blocks)), true);
    assert.equal(await hasBrokenElements(film(cluster, blocks, bytes([0x99, 0x81, 0]))), true);
    assert.equal(await hasBrokenElements(blob("no Matroska")), false);
  });

  test("is cut from the last cluster of a Matroska file, whose size is that of its blocks then", async () => {
    const cluster = (/** @type {number} */ size) => bytes([0x1f, 0x43, 0xb6, 0x75, 0x40, size]);
    const block = bytes([0xa3, 0x83, 7, 8, 9]);
    const head = bytes(ebml, segment, [0x41, 0]);
    const cut = blob(head, cluster(10), block, block, cluster(50), block, block, block.slice(0, 4));
    const mended = new Uint8Array(await (await withWholeClusters(cut)).arrayBuffer());
    assert.deepEqual(mended, bytes(head, cluster(10), block, block, cluster(10), block, block));
    const whole = blob(bytes(ebml, segment, [0x90]), cluster(10), block, block);
    assert.equal(await withWholeClusters(whole), whole);
    // A browser's recorder states no sizes.
    const live = (/** @type {number} */ id) => bytes([0x1f, 0x43, 0xb6, id, 0x01], Array(7).fill(0xff));
    const recording = blob(
      bytes(ebml, segment, [0x01], Array(7).fill(0xff)),
      live(0x75),
      block,
      live(0x75),
      block,
    );
    assert.equal(await withWholeClusters(recording), recording);
    assert.equal((await withWholeClusters(recording.slice(0, -1))).size, recording.size - block.length);
    const headless = await withWholeClusters(blob(head, cluster(5), block, bytes([0x1f, 0x43])));
    assert.equal(headless.size, head.length + 11);
  });
});

describe("the index of an MP4", () => {
  const DELTA = 100;

  /**
   * Six frames of ten bytes each, decoded in the order 0 2 1 3 5 4, a tenth of a second apart.
   * @param {{ edits?: [number, number][], chunk?: number, fragmented?: boolean, long?: boolean }} [how] `edits`: durations
   *   and times in units of a thousandth; `chunk`: where the bytes begin; `long`: all boxes in their wide versions
   */
  function movie({ edits, chunk = 0, fragmented = false, long = false } = {}) {
    const full = (/** @type {string} */ type, /** @type {number[]} */ ...values) =>
      box(type, u32(0), ...values.map(u32));
    /** A box of numbers that are twice as wide in version 1. @param {string} type @param {...(number[] | Bytes)} parts */
    const versioned = (type, ...parts) => box(type, u32(long ? 1 << 24 : 0), ...parts);
    const wide = (/** @type {number} */ value) =>
      long ? [...u32(value < 0 ? -1 : 0), ...u32(value)] : u32(value);
    const offsets = [0, 1, -1, 0, 1, -1].map((frames) => (frames + 1) * DELTA);
    const table = box(
      "stbl",
      full("stts", 1, 6, DELTA),
      full("ctts", 6, ...offsets.flatMap((offset) => [1, offset])),
      full("stss", 2, 1, 4),
      long ? full("stsz", 0, 6, ...Array(6).fill(10)) : full("stsz", 10, 6),
      full("stsc", 1, 1, 6, 1),
      long ? box("co64", u32(0), u32(1), wide(chunk)) : full("stco", 1, chunk),
    );
    const clock = [...wide(0), ...wide(0), ...u32(1000), ...wide(0)];
    const kind = box("hdlr", u32(0), u32(0), "vide");
    const media = box("mdia", versioned("mdhd", clock), kind, box("minf", table));
    const shape = bytes(new Uint8Array(long ? 64 : 60), u32(64 << 16), u32(48 << 16));
    const header = versioned("tkhd", wide(0), wide(0), u32(7), shape);
    const entries = (edits ?? []).flatMap(([length, time]) => [
      ...wide(length),
      ...wide(time),
      ...u32(1 << 16),
    ]);
    const list = edits ? box("edts", versioned("elst", u32(edits.length), entries)) : "";
    const parts = [versioned("mvhd", clock), box("trak", header, list, media)];
    return box("moov", ...parts, fragmented ? box("mvex") : "");
  }

  /** @param {Parameters<typeof movie>[0]} [how] @param {number} [data] bytes after the index */
  async function table(how, data = 1000) {
    return (await readMp4Index(blob(box("ftyp", "isom"), movie(how), new Uint8Array(data))))?.get(7);
  }

  test("has the times of all frames in order, and which need no others", async () => {
    const found = await table();
    assert.deepEqual(found?.times, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    assert.deepEqual(found?.keys, [true, false, false, true, false, false]);
    assert.deepEqual([found?.lastDuration, found?.width, found?.height, found?.cut], [0.1, 64, 48, false]);
  });

  test("is the same in the wide versions of its boxes", async () => {
    const start = box("ftyp", "isom").length + movie({ long: true }).length;
    for (const how of /** @type {Parameters<typeof movie>[0][]} */ ([
      {},
      {
        edits: [
          [500, -1],
          [300, 200],
        ],
      },
    ])) {
      assert.deepEqual(await table({ ...how, long: true }), await table(how));
    }
    assert.deepEqual((await table({ long: true, chunk: start }, 45))?.times, [0.1, 0.2, 0.3]);
  });

  test("only frames inside the presentation count", async () => {
    const seconds = (/** @type {number[] | undefined} */ times) =>
      times?.map((time) => Math.round(time * 1000) / 1000);
    const cut = await table({ edits: [[300, 300]] });
    assert.deepEqual(seconds(cut?.times), [0, 0.1, 0.2]);
    assert.deepEqual(seconds(cut?.sampleTimes), [0, 0.1, 0.2]);
    const between = await table({ edits: [[250, 250]] });
    assert.deepEqual(seconds(between?.times), [0, 0.1], "the first frame is shown from the beginning");
    const late = await table({
      edits: [
        [500, -1],
        [1000, 100],
      ],
    });
    assert.deepEqual(seconds(late?.times), [0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    const parts = await table({
      edits: [
        [200, 100],
        [300, 400],
      ],
    });
    assert.deepEqual(seconds(parts?.times), [0, 0.1, 0.2, 0.3, 0.4]);
    assert.deepEqual(seconds(parts?.sampleTimes), [0, 0.1, 0.3, 0.4, 0.5]);
  });

  test("frames whose bytes are missing do not count, nor what a decoder would hold back", async () => {
    const start = box("ftyp", "isom").length + movie().length;
    assert.equal((await table({ chunk: start }, 60))?.times.length, 6);
    const found = await table({ chunk: start }, 45);
    assert.deepEqual([found?.times, found?.cut], [[0.1, 0.2, 0.3], true]);
  });

  test("there is none in fragmented files and in what is no MP4", async () => {
    const inPart = readMp4Index(blob(box("ftyp", "isom"), movie({ fragmented: true })));
    await assert.rejects(inPart, /only a part of its frames is in its index/);
    const header = box("mvhd", new Uint8Array(24));
    const empty = box("moov", header, box("trak"), box("mvex"));
    assert.equal(await readMp4Index(blob(box("ftyp", "isom"), empty)), null);
    assert.equal(await readMp4Index(blob(box("ftyp", "isom"), box("moof"), movie())), null);
    assert.equal(await readMp4Index(blob("no MP4 at all, whatever these bytes may say")), null);
    const broken = movie().slice(0, -30);
    assert.doesNotReject(readMp4Index(blob(box("ftyp", "isom"), broken)));
  });
});
