import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FileStore } from "../../wasm_bridge/files/file_store.mjs";
import { deleteModels, loadModelFiles, storedModels } from "../../wasm_bridge/files/model_files.mjs";
import { modelUrls } from "../../wasm_bridge/files/model_source.mjs";
import { newOrigin } from "./fake_origin.mjs";
import { safetensors } from "./model_fixtures.mjs";

/** @typedef {import("./fake_origin.mjs").Served} Served */

const CONFIG = '{"model_type": "autogaze"}';
const PREPROCESSOR = '{"image_mean": [0.5]}';
const WEIGHTS = safetensors({ w: 400 });
const OTHER_WEIGHTS = safetensors({ w: 300, v: 150 });
const FOLDER = "https://models.example/m/";
const URLS = modelUrls(
  { configUrl: `${FOLDER}config.json`, weightsUrl: `${FOLDER}model.safetensors` },
  "https://page.example/",
);

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
  serve("config", { body: CONFIG });
  serve("preprocessor", { body: PREPROCESSOR });
  serve("weights", { body: WEIGHTS });
});

/** @type {(role: import("../../wasm_bridge/files/model_source.mjs").Role, served: Served) => void} */
function serve(role, served) {
  origin.server.files.set(URLS[role], served);
}

/** @param {Partial<Parameters<typeof loadModelFiles>[1]>} [how] */
function load(how = {}) {
  return loadModelFiles(
    { urls: URLS },
    { store, onProgress: (_, loaded, total) => progress.push([loaded, total]), ...how },
  );
}

/** @param {Parameters<typeof load>[0]} [how] */
async function failure(how) {
  const error = await load(how).then(
    () => assert.fail("it did not fail"),
    (reason) => reason,
  );
  assert(error instanceof Error);
  return error.message;
}

/** @param {() => unknown} condition */
async function until(condition) {
  while (!condition()) await new Promise((go) => setImmediate(go));
}

async function stored() {
  return new Map((await storedModels(store)).map((each) => [each.url, each]));
}

/** @param {Awaited<ReturnType<typeof load>>} model */
function assertComplete(model, weights = WEIGHTS) {
  assert.equal(model.config, CONFIG);
  assert.equal(model.preprocessor, PREPROCESSOR);
  assert.deepEqual(model.weights, weights);
}

describe("a first download", () => {
  test("gives the files bit for bit, where they are from, and progress in bytes of them all", async () => {
    const model = await load();
    assertComplete(model);
    assert.deepEqual(model.notes, []);
    assert.deepEqual(
      Object.values(model.origins).map((file) => [file?.from, file?.stored]),
      [
        ["network", true],
        ["network", true],
        ["network", true],
      ],
    );
    const total = CONFIG.length + PREPROCESSOR.length + WEIGHTS.length;
    const loaded = progress.map(([count]) => count);
    assert.deepEqual(
      loaded,
      loaded.toSorted((a, b) => a - b),
    );
    assert.deepEqual(progress.at(-1), [total, total]);
    assert(progress.every(([, all]) => all === 0 || all === total));
  });

  for (const how of [{ length: false }, { compressed: true }]) {
    test(`of a server that does not send the size: ${Object.keys(how)}`, async () => {
      serve("weights", { body: WEIGHTS, ...how });
      assertComplete(await load());
      assert.equal(progress.at(-1)?.[0], progress.at(-1)?.[1]);
    });
  }

  for (const status of [403, 404, 410]) {
    test(`a preprocessor_config.json may be missing (${status}), and a note says so`, async () => {
      serve("preprocessor", { body: "", status });
      const { preprocessor, origins, notes } = await load();
      assert.deepEqual([preprocessor, origins.preprocessor], [null, null]);
      assert.match(notes[0] ?? "", /^The model has no preprocessor_config.json/);
    });
  }

  test("without a store it is complete, and a note says that it will be needed again", async () => {
    const model = await load({ store: null });
    assertComplete(model);
    assert.match(model.notes[0] ?? "", /^This browser stores no files for this page/);
    assert.equal(model.origins.weights.stored, false);
    assert.equal(origin.root.files().length, 0);
  });

  test("of a full disk is complete, and leaves nothing half written", async () => {
    origin.quota.bytes = 1000;
    const model = await load();
    assertComplete(model);
    assert.match(
      model.notes[0] ?? "",
      /^The model could not be stored for next time, because the browser has no more/,
    );
    assert.equal(model.origins.weights.stored, false);
    assert(!(await stored()).has(URLS.weights));
    origin.quota.bytes = Number.POSITIVE_INFINITY;
    assert.equal((await load()).origins.weights.stored, true);
  });
});

describe("a stored model", () => {
  test("is used while the server has the same version, which is asked for without its bytes", async () => {
    await load();
    const model = await load();
    assertComplete(model);
    assert.deepEqual(
      Object.values(model.origins).map((file) => file?.from),
      ["cache", "cache", "cache"],
    );
    assert(origin.server.requests.slice(3).every(({ cancelled }) => cancelled));
  });

  test("is renewed by another version, file by file", async () => {
    await load();
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"' });
    const model = await load();
    assertComplete(model, OTHER_WEIGHTS);
    assert.deepEqual([model.origins.config.from, model.origins.weights.from], ["cache", "network"]);
    assert.equal((await stored()).get(URLS.weights)?.etag, '"2"');
    assert.equal((await stored()).size, 3);
  });

  for (const [served, reason] of /** @type {[Partial<Served>, string][]} */ ([
    [{ unreachable: true }, "no connection"],
    [{ status: 503 }, "503"],
    [{ silent: true }, "no connection"],
  ])) {
    test(`is used with a note while the server fails: ${Object.keys(served)}`, async () => {
      await load();
      for (const role of /** @type {const} */ (["config", "preprocessor", "weights"]))
        serve(role, { body: "busy", ...served });
      const model = await load({ timeouts: { download: 60_000, check: 5 } });
      assertComplete(model);
      assert.equal(model.notes.length, 1, "one note for all files");
      const day = "20\\d\\d-\\d\\d-\\d\\d";
      assert.match(
        model.notes[0] ?? "",
        new RegExp(
          `^models.example does not give the model's files now \\(${reason}\\), so those stored on ${day} are used.$`,
        ),
      );
    });
  }

  test("without a version is downloaded each time, and used while there is no network", async () => {
    serve("weights", { body: WEIGHTS, etag: null });
    await load();
    assert.equal((await load()).origins.weights.from, "network");
    serve("weights", { body: "", unreachable: true });
    assert.equal((await load()).origins.weights.from, "cache");
  });

  test("with a weak ETag is known by it", async () => {
    serve("weights", { body: WEIGHTS, etag: 'W/"1"' });
    await load();
    assert.equal((await load()).origins.weights.from, "cache");
  });

  const damages = /** @type {Record<string, (bytes: Uint8Array) => Uint8Array | null>} */ ({
    removed: () => null,
    flipped: (bytes) => bytes.map((byte, i) => (i === 99 ? byte ^ 1 : byte)),
    shortened: (bytes) => bytes.slice(0, -1),
  });
  for (const [name, damage] of Object.entries(damages)) {
    test(`that is damaged (${name}) is noticed, deleted and downloaded when asked`, async () => {
      await load();
      for (const [folder, file, bytes] of origin.root.files())
        if (bytes.length === WEIGHTS.length) {
          const damaged = damage(bytes);
          if (damaged) folder.entries.set(file, damaged);
          else folder.entries.delete(file);
        }
      assert.equal(
        await failure(),
        "The stored copy of model.safetensors was damaged and has been deleted: load the model again to download it.",
      );
      assert(!(await stored()).has(URLS.weights));
      assertComplete(await load());
    });
  }

  test("whose record cannot be read counts as none, and its files are deleted", async () => {
    await load();
    for (const [folder, file] of origin.root.files())
      if (file === "record.json") folder.entries.set(file, new Uint8Array([123]));
    assert.equal((await stored()).size, 0);
    assert.equal((await load()).origins.weights.from, "network");
    assert.equal(origin.root.files().length, 6, "three files with a record each");
  });

  test("can be listed with its facts, and deleted", async () => {
    await load();
    const weights = (await stored()).get(URLS.weights);
    assert.equal(weights?.bytes, WEIGHTS.length);
    assert.equal(weights?.complete, true);
    assert.match(weights?.sha256 ?? "", /^[0-9a-f]{64}$/);
    assert(Number(new Date(weights?.when ?? "")) > 0);
    await deleteModels(store);
    assert.equal((await stored()).size, 0);
    assert.equal(origin.root.files().length, 0);
  });
});

describe("a download that breaks off", () => {
  const breakOff = async (/** @type {Partial<Served>} */ how = {}) => {
    serve("weights", { body: WEIGHTS, breakAfter: 1000, ...how });
    const said = await failure();
    serve("weights", { body: WEIGHTS, ...how });
    return said;
  };

  test("says how far it came and is never tried again by itself", async () => {
    assert.match(
      await breakOff(),
      /^The download of model.safetensors broke off after 0.0 of 0.0 MB: load the model/,
    );
    assert.equal(origin.server.of(URLS.weights).length, 1);
    const part = (await stored()).get(URLS.weights);
    assert.deepEqual([part?.bytes, part?.complete, part?.sha256], [1000, false, null]);
  });

  for (const how of /** @type {Partial<Served>[]} */ ([
    {},
    { etag: null, lastModified: "Sat, 21 Nov 2026 10:00:00 GMT" },
    { showsRange: false },
  ])) {
    test(`is continued where it stopped: ${JSON.stringify(how)}`, async () => {
      await breakOff(how);
      assertComplete(await load());
      const [, second] = origin.server.of(URLS.weights);
      assert.equal(second?.range, "bytes=1000-");
      assert.equal(second?.sent, WEIGHTS.length - 1000);
      assert.equal((await stored()).get(URLS.weights)?.complete, true);
    });
  }

  for (const how of /** @type {Partial<Served>[]} */ ([
    { ranges: false },
    { etag: null },
    { etag: 'W/"1"' },
    { length: false },
  ])) {
    test(`starts over where that is not safe: ${JSON.stringify(how)}`, async () => {
      await breakOff(how);
      assertComplete(await load());
      assert.equal(origin.server.of(URLS.weights).at(-1)?.sent, WEIGHTS.length);
    });
  }

  for (const body of [OTHER_WEIGHTS, safetensors({ w: 2 })]) {
    test(`starts over if the file has changed (${body.length} bytes)`, async () => {
      await breakOff();
      serve("weights", { body, etag: '"2"' });
      assertComplete(await load(), body);
      assert.equal(origin.server.of(URLS.weights).at(-1)?.range, null);
    });
  }

  test("leaves an older whole file as it was", async () => {
    await load();
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"', breakAfter: 900 });
    assert.match(await failure(), /broke off/);
    serve("weights", { body: "", unreachable: true });
    assertComplete(await load());
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"' });
    assertComplete(await load(), OTHER_WEIGHTS);
    assert.equal(origin.server.of(URLS.weights).at(-1)?.sent, OTHER_WEIGHTS.length - 900);
  });

  test("because the server stops sending ends after the timeout", async () => {
    serve("weights", { body: WEIGHTS, silentAfter: 600 });
    assert.match(await failure({ timeouts: { download: 20, check: 20 } }), /broke off after/);
    serve("weights", { body: WEIGHTS });
    assertComplete(await load());
  });

  test("ends the downloads of the other files", async () => {
    serve("weights", { body: WEIGHTS, silentAfter: 100 });
    serve("config", { body: "", status: 404, ready: until(() => origin.server.of(URLS.weights)[0]?.sent) });
    assert.match(await failure(), /^There is no config.json at/);
    assert.equal(origin.server.of(URLS.weights)[0]?.cancelled, true);
  });
});

describe("cancelling", () => {
  test("stores the partial download, fails with the reason and ends the connection", async () => {
    const cancel = new AbortController();
    serve("weights", { body: WEIGHTS, silentAfter: 800 });
    const loading = load({
      signal: cancel.signal,
      onProgress: (_, loaded) => loaded >= 800 && cancel.abort(new Error("not today")),
    });
    await assert.rejects(loading, { message: "not today" });
    assert.equal(origin.server.of(URLS.weights)[0]?.cancelled, true);
    assert((await stored()).get(URLS.weights)?.bytes);
    serve("weights", { body: WEIGHTS });
    assertComplete(await load());
    assert.match(origin.server.of(URLS.weights)[1]?.range ?? "", /^bytes=\d+-$/);
  });

  test("works before any answer, and before anything was asked for", async () => {
    const cancel = new AbortController();
    serve("weights", { body: WEIGHTS, silent: true });
    const loading = load({ signal: cancel.signal });
    await until(() => origin.server.of(URLS.weights).length);
    cancel.abort();
    await assert.rejects(loading, { name: "AbortError" });
    await assert.rejects(load({ signal: cancel.signal }), { name: "AbortError" });
    assert.equal(origin.server.of(URLS.weights).length, 1);
  });

  test("the files in a download cannot be deleted, the others can", async () => {
    await load();
    const cancel = new AbortController();
    serve("weights", { body: OTHER_WEIGHTS, etag: '"2"', silentAfter: 700 });
    const loading = load({ signal: cancel.signal });
    await until(() => origin.server.of(URLS.weights)[1]?.sent && origin.locks.heldCount === 1);
    await assert.rejects(deleteModels(store), {
      message: "A model is being loaded, here or in another tab: cancel that, then delete it again.",
    });
    cancel.abort();
    await assert.rejects(loading, { name: "AbortError" });
    assert.deepEqual([...(await stored()).keys()], [URLS.weights], "the old file and the partial new one");
  });

  test("two loads at once download each file once", async () => {
    const [one, other] = await Promise.all([load(), load()]);
    assertComplete(one);
    assertComplete(other);
    assert.equal(other.origins.weights.from, "cache");
    assert.equal(
      origin.server.of(URLS.weights).reduce((sum, { sent }) => sum + Number(sent === WEIGHTS.length), 0),
      1,
    );
  });
});

describe("a refusal", () => {
  const url = URLS.weights;
  for (const [status, sentence] of /** @type {[number, string][]} */ ([
    [404, `There is no model.safetensors at ${url} (404): check weights-url.`],
    [410, `There is no model.safetensors at ${url} (410): check weights-url.`],
    [
      401,
      "models.example does not give model.safetensors to everyone (401): the model is private, asks for consent first or does not exist. Download its files where you are logged in and drop them on the page, or check weights-url.",
    ],
    [403, "models.example does not give model.safetensors to everyone (403): "],
    [
      429,
      "models.example limits how much is downloaded (429): wait some minutes, then load model.safetensors again.",
    ],
    [500, "models.example failed to send model.safetensors (500): try again later."],
    [503, "models.example failed to send model.safetensors (503): try again later."],
    [204, "models.example answered with status 204 instead of model.safetensors: check weights-url."],
    [418, "models.example answered with status 418 instead of model.safetensors: check weights-url."],
  ])) {
    test(`${status} is reported in a sentence, and nothing is stored`, async () => {
      serve("weights", { body: "", status });
      const said = await failure();
      assert(said.startsWith(sentence), said);
      assert(!(await stored()).has(url));
    });
  }

  test("no answer: timeout, no network, the page's own server, another one", async () => {
    serve("weights", { body: "", silent: true });
    const timeouts = { download: 10, check: 10 };
    assert.equal(
      await failure({ timeouts }),
      "models.example does not answer, so model.safetensors could not be downloaded: try again later.",
    );
    serve("weights", { body: "", unreachable: true });
    assert.match(
      await failure(),
      /either models.example cannot be reached, or it does not allow other web pages/,
    );
    const { navigator, location } = /** @type {any} */ (globalThis);
    Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
    assert.match(
      await failure(),
      /^There is no network, so model.safetensors could not be downloaded: connect and/,
    );
    Object.defineProperty(navigator, "onLine", { value: true, configurable: true });
    location.origin = "https://models.example";
    assert.match(await failure(), /^models.example cannot be reached, so model.safetensors could not be/);
    location.origin = "https://page.example";
  });
});

describe("something else than the file", () => {
  test("is named by its address with what to do, and is not stored", async () => {
    const page = "<!doctype html>";
    for (const [role, name, option] of /** @type {const} */ ([
      ["config", "config.json", "config-url"],
      ["preprocessor", "preprocessor_config.json", "config-url"],
      ["weights", "model.safetensors", "weights-url"],
    ])) {
      serve(role, { body: page });
      assert.equal(
        await failure(),
        `${URLS[role]} is a web page (HTML), not a ${name}: give the address of the ${name} itself as ${option}.`,
      );
      assert(!(await stored()).has(URLS[role]));
      serve(role, { body: { config: CONFIG, preprocessor: PREPROCESSOR, weights: WEIGHTS }[role] });
    }
  });

  test("the page about a file gets a hint", async () => {
    const urls = { ...URLS, weights: "https://huggingface.co/nvidia/AutoGaze/blob/main/model.safetensors" };
    origin.server.files.set(urls.weights, { body: "<html>" });
    await assert.rejects(loadModelFiles({ urls }, { store }), {
      message: /, on huggingface.co with "resolve" in place of "blob".$/,
    });
  });

  for (const length of [true, false]) {
    test(`weights given as the config are not read to their end (length sent: ${length})`, async () => {
      serve("config", { body: new Uint8Array(9_000_000), length });
      assert.match(await failure(), /MB, but a config.json of AutoGaze has at most 1.0: check config-url.$/);
      assert.equal(origin.server.of(URLS.config)[0]?.cancelled, true);
      assert((origin.server.of(URLS.config)[0]?.sent ?? 0) < 9_000_000);
    });
  }

  test("a download without a length that ends early is truncated", async () => {
    serve("weights", { body: WEIGHTS.slice(0, 700), length: false });
    assert.match(await failure(), / is truncated: it has 700 bytes of at least /);
    assert(!(await stored()).has(URLS.weights));
  });
});

describe("files that the user chose", () => {
  const config = new File([CONFIG], "config (1).json");
  const weights = new File([WEIGHTS], "weights.bin");
  const preprocessor = new File([PREPROCESSOR], "p.txt");

  test("are read without asking any server, and not stored", async () => {
    const model = await loadModelFiles({ files: [weights, preprocessor, config] }, { store });
    assertComplete(model);
    assert.deepEqual(model.notes, []);
    const { sha256, ...facts } = model.origins.weights;
    assert.deepEqual(facts, {
      from: "file",
      where: "weights.bin",
      bytes: WEIGHTS.length,
      etag: null,
      stored: false,
    });
    assert.match(sha256 ?? "", /^[0-9a-f]{64}$/);
    assert.deepEqual([origin.server.requests.length, origin.root.files().length], [0, 0]);
  });

  test("may lack the preprocessor's", async () => {
    const model = await loadModelFiles({ files: [weights, config] }, { store });
    assert.equal(model.preprocessor, null);
    assert.match(model.notes[0] ?? "", /has no preprocessor_config.json/);
  });

  test("are checked like downloads", async () => {
    const half = new File([WEIGHTS.slice(0, 500)], "model.safetensors");
    await assert.rejects(loadModelFiles({ files: [half, config] }, { store }), {
      message:
        /^"model.safetensors" is truncated: it has 500 bytes of at least .*: choose the model's model.safetensors.$/,
    });
  });

  test("may replace single addresses", async () => {
    const other = new File([OTHER_WEIGHTS], "model.safetensors");
    const model = await loadModelFiles(
      { urls: URLS, given: { weights: other, preprocessor: null } },
      { store },
    );
    assert.deepEqual(model.weights, OTHER_WEIGHTS);
    assert.equal(model.preprocessor, null);
    assert.deepEqual(
      origin.server.requests.map(({ url }) => url),
      [URLS.config],
    );
  });
});

test("a browser without its own files or locks has no store", async () => {
  Object.defineProperty(globalThis.navigator, "storage", { value: undefined, configurable: true });
  assert.equal(await FileStore.open(), null);
  assert.deepEqual(await storedModels(null), []);
  await deleteModels(null);
});
