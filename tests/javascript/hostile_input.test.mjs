import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, mock, test } from "node:test";
import { checkFile, textOf } from "../../wasm_bridge/files/file_checks.mjs";
import { modelUrls } from "../../wasm_bridge/files/model_source.mjs";
import { readIndex, shardUrl } from "../../wasm_bridge/files/shard_index.mjs";
import { headerBytes } from "../../wasm_bridge/model/weights.mjs";
import { otherOrigins } from "../../web/model/host_question.mjs";
import { parseAddress } from "../../web/settings/options.mjs";
import { defaultDuration, withWholeClusters } from "../../web/sources/matroska_repair.mjs";
import { readMp4Index } from "../../web/sources/mp4_index.mjs";
import { addressOf, fileNameOf } from "../../web/sources/remote_file.mjs";
import "./fake_page.mjs";
import { safetensors } from "./model_fixtures.mjs";

const ROUNDS = 1000;
const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);

/** Random numbers that are the same in every run (mulberry32). @param {number} seed */
function randomOf(seed) {
  let state = seed;
  return (/** @type {number} */ limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const PIECES = [
  ...[
    "",
    "\0",
    " ",
    "\t",
    "\n",
    "https://evil.example/",
    "\u{10ffff}",
    "\ud800",
    "%",
    "%ff",
    "\\",
    "/",
    "..",
    "//evil.example/",
    "javascript:1",
    ":",
  ],
  ...[
    "{",
    "}",
    "[",
    "]",
    '"',
    ",",
    "null",
    "1e999",
    "-1",
    "9".repeat(400),
    "NaN",
    "true",
    "__proto__",
    "&",
    "=",
    "+",
  ],
];

/**
 * Damages a text in a few places.
 * @param {string} text
 * @param {(limit: number) => number} random
 */
function damaged(text, random) {
  for (let times = random(4); times >= 0; times--) {
    const from = random(text.length + 1);
    const to = Math.min(from + random(6), text.length);
    text = text.slice(0, from) + (PIECES[random(PIECES.length)] ?? "") + text.slice(to);
  }
  return text;
}

/**
 * Runs a parser; what it refuses ends in a sentence.
 * @param {() => unknown} parse
 * @param {string} input
 */
function endsWell(parse, input) {
  try {
    parse();
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    const told = `${JSON.stringify(input).slice(0, 300)}: ${name}: ${message}`;
    assert.match(name, /^(Error|UnavailableError)$/, told);
    assert.match(message, /^.{15,}\.$/s, told);
  }
}

/** @param {string} text */
const bytesOf = (text) => new TextEncoder().encode(text);
const INDEX = JSON.stringify({
  metadata: { total_size: 9 },
  weight_map: { a: "1.safetensors", b: "x/2.safetensors" },
});

/**
 * A box of an MP4.
 * @param {string} type
 * @param {(number[] | Uint8Array)[]} contents words of 32 bits, or boxes
 */
function box(type, ...contents) {
  const parts = contents.map((part) => {
    if (part instanceof Uint8Array) return part;
    const words = new DataView(new ArrayBuffer(4 * part.length));
    part.forEach((word, index) => {
      words.setUint32(4 * index, word);
    });
    return new Uint8Array(words.buffer);
  });
  const size = 8 + parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, size);
  bytes.set(bytesOf(type), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

describe("a small file that states large numbers takes little memory and time", () => {
  /** @param {number} samples @param {number[][]} edits @param {number} [padding] bytes of frames */
  const film = (samples, edits, padding = 0) => {
    const times = box("stts", [0, 1, samples, 1]);
    const media = box(
      "mdia",
      box("mdhd", [0, 0, 0, 10, 0]),
      box("hdlr", [0, 0], bytesOf("vide")),
      box("minf", box("stbl", times)),
    );
    const edit = box("edts", box("elst", [0, edits.length], edits.flat()));
    const track = box("trak", box("tkhd", new Array(21).fill(0)), media, edit);
    const index = box("moov", box("mvhd", new Array(25).fill(10)), track);
    return new File([box("ftyp", bytesOf("isomiso5")), index, box("free", new Uint8Array(padding))], "a.mp4");
  };

  test("an index of an MP4", async () => {
    const [table] = (await readMp4Index(film(40, [[40, 0, 65536]])))?.values() ?? [];
    assert.equal(table?.times.length, 40);
    assert.equal(await readMp4Index(film(200_000_000, [])), null);
    // Every edit shows every sample again.
    const edits = new Array(3000).fill([3000, 0, 65536]);
    assert.equal(await readMp4Index(film(3000, edits)), null);
  });

  test("a Matroska file of tiny elements", async () => {
    const head = [0x1a, 0x45, 0xdf, 0xa3, 0x80, 0x18, 0x53, 0x80, 0x67, 0x01, ...new Array(7).fill(0xff)];
    const tiny = new Uint8Array(1_000_000).map((_, index) => (index % 2 ? 0x80 : 0xec));
    const file = new File([new Uint8Array(head), tiny], "a.mkv");
    const reads = mock.method(Blob.prototype, "slice");
    assert.equal((await withWholeClusters(file)).size, file.size);
    assert.equal(await defaultDuration(file, 1), 0);
    assert(reads.mock.callCount() < 1000, `${reads.mock.callCount()} reads`);
  });
});

describe("damaged input ends in a sentence", () => {
  test("an index of shards, whose files stay in its folder", () => {
    const random = randomOf(1);
    const folder = "https://models.example/m/";
    for (let round = 0; round < ROUNDS; round++) {
      const text = damaged(INDEX, random);
      endsWell(() => {
        for (const name of readIndex(text, "index.json").names)
          assert(shardUrl(name, `${folder}index.json`).startsWith(folder), name);
      }, text);
    }
  });

  test("a model's files", () => {
    const random = randomOf(2);
    const weights = safetensors({ w: 4, v: 2 });
    for (let round = 0; round < ROUNDS; round++) {
      const text = damaged('{"model_type": "autogaze", "scales": "32+64"}', random);
      for (const role of /** @type {const} */ (["config", "preprocessor", "index"]))
        endsWell(() => {
          checkFile(role, bytesOf(text), "https://models.example/a", "check the address");
          textOf(bytesOf(text));
        }, text);
      const bytes = weights.slice(0, random(weights.length + 1));
      for (let times = random(4); times > 0 && bytes.length > 0; times--)
        bytes[random(bytes.length)] = random(256);
      endsWell(() => checkFile("weights", bytes, "a.safetensors", "check the address"), bytes.join());
      assert(headerBytes(bytes).length <= bytes.length);
    }
  });

  test("the options of a link", () => {
    const random = randomOf(3);
    const names = TABLE.options.map((/** @type {{ name: string }} */ { name }) => name);
    for (let round = 0; round < ROUNDS; round++) {
      const query = damaged(`?${names[random(names.length)]}=1&${names[random(names.length)]}=a+2`, random);
      endsWell(() => {
        const { values, problems } = parseAddress(TABLE, query);
        assert.deepEqual(Object.keys(values).sort(), [...names].sort());
        for (const problem of problems) assert.match(problem, /\w.*\w/s);
      }, query);
    }
    assert.equal(/** @type {any} */ ({}).polluted, undefined);
  });

  test("addresses", () => {
    const random = randomOf(4);
    for (let round = 0; round < ROUNDS; round++) {
      const address = damaged("./clips/a%20b.mp4?x#y", random);
      const url = addressOf(address);
      assert.match(url.protocol, /^https?:$/, address);
      assert.equal(typeof fileNameOf(url), "string");
      // A model is never fetched from an origin that the question does not name.
      endsWell(() => {
        const base = document.baseURI;
        const urls = modelUrls({ configUrl: address, weightsUrl: address }, base);
        for (const each of Object.values(urls)) {
          const { origin } = new URL(each);
          const known = [new URL(base).origin, location.origin, ...otherOrigins([address])];
          assert(known.includes(origin), `${address} leads to ${origin}`);
        }
      }, address);
    }
  });
});
