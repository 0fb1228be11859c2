import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { completeRequest } from "../../wasm_bridge/model/model_request.mjs";

const SITE = "https://site.example/demo/";
const RELEASE = "https://huggingface.co/nvidia/AutoGaze/resolve/main/";

describe("completeRequest", () => {
  test("an empty request is the built-in model", () => {
    assert.deepEqual(completeRequest({}, SITE), {
      source: {
        urls: {
          config: `${SITE}built-in/config.json`,
          preprocessor: `${SITE}built-in/preprocessor_config.json`,
          weights: `${SITE}built-in/model.safetensors`,
        },
      },
      graphsUrl: `${SITE}built-in/`,
      backend: "auto",
      maxTokens: null,
    });
  });

  test("NVIDIA's release and other addresses run on the site's graphs", () => {
    const release = completeRequest({ model: "nvidia", files: [], maxTokens: 0 }, SITE);
    assert("urls" in release.source);
    assert.equal(release.source.urls.weights, `${RELEASE}model.safetensors`);
    assert.equal(release.graphsUrl, `${SITE}graphs/`);
    const other = completeRequest({ configUrl: "a/config.json", weightsUrl: "a/w", maxTokens: 16 }, SITE);
    assert("urls" in other.source);
    assert.equal(other.source.urls.config, `${SITE}a/config.json`);
    assert.equal(other.graphsUrl, `${SITE}graphs/`);
    assert.equal(other.maxTokens, 16);
  });

  test("files and a source come before addresses", () => {
    const files = [new File(["{}"], "config.json")];
    const chosen = completeRequest({ files, configUrl: "a", graphsUrl: "../g/", backend: "wasm" }, SITE);
    assert.deepEqual(chosen.source, { files });
    assert.equal(chosen.graphsUrl, "https://site.example/g/");
    assert.equal(chosen.backend, "wasm");
    const source = { files: [] };
    assert.equal(completeRequest({ source, files }, SITE).source, source);
    assert.equal(completeRequest({ source }, SITE).graphsUrl, `${SITE}graphs/`);
  });
});
