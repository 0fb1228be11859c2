import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { EncoderFiles } from "../../wasm_bridge/files/encoder_files.mjs";
import { FileStore } from "../../wasm_bridge/files/file_store.mjs";
import { modelUrls } from "../../wasm_bridge/files/model_source.mjs";
import { newOrigin } from "./fake_origin.mjs";
import { safetensors } from "./model_fixtures.mjs";

/** @typedef {import("./fake_origin.mjs").Served} Served */

const FOLDER = "https://models.example/m/";
const WEIGHTS_URL = `${FOLDER}model.safetensors`;
const NAME = "model.safetensors";
// Longer than what is read for the header.
const WEIGHTS = safetensors({ text: 40_000, vision: 60_000, other: 300_000 });
const HEAD = 8 + Number(new DataView(WEIGHTS.buffer).getBigUint64(0, true));
const TOWER = { start: HEAD + 4 * 40_000, end: HEAD + 4 * 100_000 };
const [BEGINNING, TOWER_BYTES] = [131_072, TOWER.end - TOWER.start];

/** @type {ReturnType<typeof newOrigin>} */
let origin;
/** @type {FileStore | null} */
let store;
/** @type {[number, number][]} */
let progress;

beforeEach(async () => {
  origin = newOrigin();
  store = await FileStore.open();
  progress = [];
  serve("config.json", { body: '{"model_type": "siglip"}' });
  serve(NAME, { body: WEIGHTS });
});

/** @type {(name: string, served: Served) => void} */
function serve(name, served) {
  origin.server.files.set(FOLDER + name, served);
}

const urlsOf = (weightsUrl = FOLDER) =>
  modelUrls({ configUrl: `${FOLDER}config.json`, weightsUrl }, "https://page.example/");

/** @param {any} [source] @param {object} [more] */
const open = (source = { urls: urlsOf() }, more = {}) =>
  EncoderFiles.open(source, {
    store,
    signal: new AbortController().signal,
    onProgress: (loaded, total) => progress.push([loaded, total]),
    timeouts: { download: 50, check: 50 },
    ...more,
  });

/** @param {any} [source] @param {object} [more] */
async function tower(source, more) {
  const files = await open(source, more);
  const texts = await files.texts();
  const [head] = await files.heads([NAME]);
  const parts = await files.parts(new Map([[NAME, TOWER]]));
  return { texts, head, part: parts.get(NAME), notes: [...files.notes] };
}

/** @param {Awaited<ReturnType<typeof tower>>} loaded */
function assertTower({ head, part }) {
  assert.equal(head?.size, WEIGHTS.length);
  assert.deepEqual(head?.head, WEIGHTS.slice(0, HEAD));
  assert.deepEqual(part, WEIGHTS.slice(TOWER.start, TOWER.end));
}

/** @param {() => boolean} holds */
async function waitUntil(holds) {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const sent = () => origin.server.of(WEIGHTS_URL).map((request) => request.sent);
const ranges = () => origin.server.of(WEIGHTS_URL).map(({ range }) => range);

describe("of weights only a part is fetched", () => {
  test("the header first, then the part, whose size is told before it comes", async () => {
    const loaded = await tower();
    assertTower(loaded);
    assert.deepEqual(loaded.texts, { config: '{"model_type": "siglip"}', preprocessor: null, index: null });
    assert.deepEqual(ranges(), [`bytes=0-${BEGINNING - 1}`, `bytes=${TOWER.start}-${TOWER.end - 1}`]);
    assert.deepEqual(sent(), [BEGINNING, TOWER_BYTES]);
    assert.deepEqual(progress[0], [0, TOWER_BYTES]);
    assert.deepEqual(progress.at(-1), [TOWER_BYTES, TOWER_BYTES]);
  });

  test("an address of the file itself is as good", async () => {
    assertTower(await tower({ urls: urlsOf(WEIGHTS_URL) }));
    assert.deepEqual(sent(), [BEGINNING, TOWER_BYTES]);
  });

  for (const how of /** @type {Partial<Served>[]} */ ([
    { showsRange: false },
    { ranges: false },
    { ranges: false, length: false },
  ])) {
    test(`from a server of another kind: ${JSON.stringify(how)}`, async () => {
      serve(NAME, { body: WEIGHTS, ...how });
      assertTower(await tower());
      assert(
        Math.max(...sent()) < WEIGHTS.length || how.ranges !== false,
        "the connection ends behind the part",
      );
    });
  }

  test("a stored part is used again while the server has that version, and without a network", async () => {
    await tower();
    origin.server.requests.length = 0;
    assertTower(await tower());
    assert(
      origin.server.of(WEIGHTS_URL).every(({ sent }) => sent < TOWER_BYTES),
      "bodies are given up",
    );
    for (const served of origin.server.files.values()) served.unreachable = true;
    const offline = await tower();
    assertTower(offline);
    assert.match(offline.notes.join(), /does not give the model's files now/);
  });

  test("a part that broke off is continued, also where Content-Range is not shown", async () => {
    for (const showsRange of [true, false]) {
      const etag = `"${showsRange}"`;
      const files = await open();
      await files.texts();
      serve(NAME, { body: WEIGHTS, etag, showsRange, breakAfter: 100_000 });
      await assert.rejects(
        files.parts(new Map([[NAME, TOWER]])),
        /^Error: The download of model.safetensors broke off after 0.1 of 0.2 MB: load the model again/,
      );
      serve(NAME, { body: WEIGHTS, etag, showsRange });
      assertTower(await tower());
      assert.equal(ranges().at(-1), `bytes=${TOWER.start + 100_000}-${TOWER.end - 1}`);
      assert.equal(sent().at(-1), TOWER_BYTES - 100_000);
    }
  });

  test("a file that has changed meanwhile is fetched from its start", async () => {
    const files = await open();
    await files.texts();
    serve(NAME, { body: WEIGHTS, breakAfter: 100_000 });
    await assert.rejects(files.parts(new Map([[NAME, TOWER]])));
    serve(NAME, { body: WEIGHTS, etag: '"2"' });
    assertTower(await tower());
    assert.equal(sent().at(-1), TOWER_BYTES);
  });

  test("a long header is read to its end", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 2500 }, (_, index) => [`tensor number ${index}`, 1]),
    );
    const body = safetensors(many);
    serve(NAME, { body });
    const files = await open();
    await files.texts();
    const [head] = await files.heads([NAME]);
    const length = 8 + Number(new DataView(body.buffer).getBigUint64(0, true));
    assert(length > BEGINNING);
    assert.deepEqual([head?.head.length, head?.size], [length, body.length]);
  });

  test("shards lie beside their index", async () => {
    origin.server.files.delete(WEIGHTS_URL);
    const index = JSON.stringify({ weight_map: { a: "one.safetensors", b: "two.safetensors" } });
    serve("model.safetensors.index.json", { body: index });
    serve("two.safetensors", { body: WEIGHTS });
    for (const weights of [FOLDER, `${FOLDER}model.safetensors.index.json`]) {
      const files = await open({ urls: urlsOf(weights) });
      assert.equal((await files.texts()).index, index);
      const [head] = await files.heads(["two.safetensors"]);
      assert.equal(head?.size, WEIGHTS.length);
      const parts = await files.parts(new Map([["two.safetensors", TOWER]]));
      assert.equal(parts.get("two.safetensors")?.length, TOWER_BYTES);
    }
    assert.equal(
      origin.server.of(`${FOLDER}one.safetensors`).length,
      0,
      "of a shard without the tower nothing",
    );
  });

  test("chosen files are read in parts, too", async () => {
    const files = [
      new File(['{"model_type": "siglip"}'], "config.json"),
      new File([WEIGHTS], "model (1).safetensors"),
    ];
    assertTower(await tower({ files }));
    assert.deepEqual(origin.server.requests, []);
    const opened = await open({ files });
    await assert.rejects(opened.decoder(), /is loaded from the encoder's address/);
  });

  test("of chosen shards each is found by its name", async () => {
    const index = JSON.stringify({ weight_map: { a: "two.safetensors" } });
    const files = [
      new File(["{}"], "config.json"),
      new File([index], "model.safetensors.index.json"),
      new File([WEIGHTS], "two.safetensors"),
    ];
    const opened = await open({ files });
    assert.equal((await opened.texts()).index, index);
    assert.equal((await opened.heads(["two.safetensors"]))[0]?.size, WEIGHTS.length);
    await assert.rejects(opened.heads(["three.safetensors"]), /three.safetensors of the encoder is missing/);
  });

  test("what is no such file is said in a sentence", async () => {
    serve(NAME, { body: "<html>not here</html>" });
    await assert.rejects(tower(), /model.safetensors is a web page \(HTML\), not a model.safetensors: give/);
    serve(NAME, { body: new Uint8Array(30), etag: '"2"' });
    await assert.rejects(tower(), /is not a safetensors file/);
    const damaged = WEIGHTS.slice();
    damaged.fill(32, 20, HEAD);
    serve(NAME, { body: damaged, etag: '"3"' });
    assert.equal((await tower()).head?.size, HEAD, "Python says what is wrong with a header");
    serve(NAME, { body: WEIGHTS.slice(0, TOWER.end - 5), etag: '"4"' });
    const short = new RegExp(
      `^Error: ${NAME} is truncated: it has ${(TOWER.end - 5).toLocaleString("en")} bytes of at least ` +
        `${TOWER.end.toLocaleString("en")}: upload or download it again.$`,
    );
    await assert.rejects(tower(), short);
    await assert.rejects(
      tower({ files: [new File(["{}"], "config.json"), new File([WEIGHTS.slice(0, TOWER.end - 5)], NAME)] }),
      short,
    );
    serve(NAME, { body: WEIGHTS.slice(0, HEAD + 5), etag: '"5"' });
    await assert.rejects(
      tower(undefined, { store: null }),
      /^Error: model.safetensors is truncated: it has no more than [\d,]+ bytes: upload/,
    );
    serve(NAME, { body: "no", status: 403 });
    await assert.rejects(
      tower(undefined, { store: null }),
      /^Error: There is neither model.safetensors nor model.safetensors.index.json at https:\/\/models.example\/m\/: check/,
    );
  });

  test("of several missing files the config is named, even if its answer comes last", async () => {
    origin.server.files.delete(WEIGHTS_URL);
    const others = () => origin.server.requests.filter(({ url }) => !url.endsWith("/config.json"));
    const ready = waitUntil(() => others().length === 3);
    serve("config.json", { body: "no", status: 404, ready });
    await assert.rejects(tower(), /^Error: There is no config.json at/);
    assert.deepEqual(
      others().map(({ url }) => url.replace(FOLDER, "")),
      ["preprocessor_config.json", NAME, "model.safetensors.index.json"],
    );
  });

  test("a server's fault, and an index that was named itself, are told as what they are", async () => {
    origin.server.files.delete(WEIGHTS_URL);
    const index = "model.safetensors.index.json";
    await assert.rejects(
      tower({ urls: urlsOf(FOLDER + index) }),
      /^Error: There is no model.safetensors.index.json at/,
    );
    serve(index, { body: "no", status: 500 });
    await assert.rejects(tower(), ({ message }) => {
      assert.doesNotMatch(message, /neither/);
      assert.match(message, /500/);
      return true;
    });
  });

  test("what is wrong is not stored: the right file is fetched next time, even if it has the same ETag", async () => {
    for (const [wrong, sentence] of /** @type {const} */ ([
      [new TextEncoder().encode("<html>not here</html>"), /web page/],
      [WEIGHTS.slice(0, TOWER.end - 5), /is truncated/],
    ])) {
      const etag = `"${wrong.length}"`;
      serve(NAME, { body: wrong, etag });
      await assert.rejects(tower(), sentence);
      serve(NAME, { body: WEIGHTS, etag });
      assertTower(await tower());
    }
  });

  test("a long header that breaks off is truncated, too", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 2500 }, (_, index) => [`tensor number ${index}`, 1]),
    );
    serve(NAME, { body: safetensors(many).slice(0, BEGINNING + 10) });
    await assert.rejects(tower(), /is truncated: it has 131,082 bytes/);
  });

  test("an index whose address has a query has its shards beside it, too", async () => {
    const index = JSON.stringify({ weight_map: { a: "two.safetensors" } });
    const address = `${FOLDER}model.safetensors.index.json?x=1`;
    origin.server.files.set(address, { body: index });
    serve("two.safetensors", { body: WEIGHTS });
    const files = await open({ urls: urlsOf(address) });
    assert.equal((await files.texts()).index, index);
    assert.equal((await files.heads(["two.safetensors"]))[0]?.size, WEIGHTS.length);
  });

  test("what is no frame decoder is said in a sentence", async () => {
    serve("decoder.json", { body: "<html>not here</html>" });
    serve("decoder.safetensors", { body: WEIGHTS });
    await assert.rejects(
      (await open()).decoder(),
      /decoder.json is a web page \(HTML\), not a decoder.json: put a frame decoder's files beside/,
    );
    serve("decoder.json", { body: "{}".padEnd(1_000_001) });
    await assert.rejects((await open()).decoder(), /decoder.json .*at most 1/);
    serve("decoder.json", { body: "{}", etag: '"2"' });
    serve("decoder.safetensors", { body: WEIGHTS.slice(0, 1000), etag: '"2"' });
    await assert.rejects((await open()).decoder(), /decoder.safetensors is truncated: it has 1,000 bytes/);
  });

  test("the frame decoder lies beside the config", async () => {
    serve("decoder.json", { body: "{}" });
    serve("decoder.safetensors", { body: WEIGHTS });
    const { config, weights } = await (await open()).decoder();
    assert.deepEqual([config, weights.length], ["{}", WEIGHTS.length]);
  });

  test("cancelling ends it with its reason", async () => {
    const cancel = new AbortController();
    cancel.abort(new Error("enough"));
    await assert.rejects(tower(undefined, { signal: cancel.signal }), { message: "enough" });
  });
});
