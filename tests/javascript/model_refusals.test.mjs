import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";
import { loadModelFiles } from "../../wasm_bridge/files/model_files.mjs";
import { failure, origin, serve, store, stored, URLS, until, WEIGHTS } from "./model_loading.mjs";

/**
 * Waits until an address was asked for and its answer has been dealt with.
 * @param {string} url
 */
async function longAfter(url) {
  await until(() => origin.server.of(url).length > 0);
  for (let turn = 0; turn < 50; turn++) await settled();
}

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

  const noConfig = `There is no config.json at ${URLS.config} (404): check config-url.`;
  const noWeights = `There is no model.safetensors at ${URLS.weights} (404): check weights-url.`;
  for (const [last, other] of /** @type {const} */ ([
    ["config", "weights"],
    ["weights", "config"],
  ])) {
    test(`several missing files are all named in one order, if the ${last} are refused last`, async () => {
      serve(other, { body: "", status: 404 });
      serve(last, { body: "", status: 404, ready: longAfter(URLS[other]) });
      assert.equal(await failure(), `${noConfig} ${noWeights}`);
    });

    test(`of several refusals the config's is told, if the ${last} are refused last`, async () => {
      serve(other, { body: "", status: 403 });
      serve(last, { body: "", status: 403, ready: longAfter(URLS[other]) });
      assert.match(await failure(), /^models\.example does not give config\.json to everyone \(403\)/);
    });
  }

  test("a missing file is told though another server never answers", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      serve("config", { body: "", status: 404 });
      serve("weights", { body: "", silent: true });
      const failing = failure();
      let said = "";
      failing.then((text) => {
        said = text;
      });
      while (!said) {
        mock.timers.tick(500);
        await settled();
      }
      assert.equal(said, noConfig);
    } finally {
      mock.timers.reset();
    }
  });

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
  // A test each: what of the other files is stored before one is refused depends on who was first.
  for (const [role, name, option] of /** @type {const} */ ([
    ["config", "config.json", "config-url"],
    ["preprocessor", "preprocessor_config.json", "config-url"],
    ["weights", "model.safetensors", "weights-url"],
  ])) {
    test(`in place of ${name} is named by its address with what to do, and is not stored`, async () => {
      serve(role, { body: "<!doctype html>" });
      assert.equal(
        await failure(),
        `${URLS[role]} is a web page (HTML), not a ${name}: give the address of the ${name} itself as ${option}.`,
      );
      assert(!(await stored()).has(URLS[role]));
    });
  }

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
