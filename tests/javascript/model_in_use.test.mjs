import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allowOrigins } from "../../web/model/host_question.mjs";
import { BUILT_IN, NVIDIA } from "../../web/model/model_addresses.mjs";
import { modelInUse } from "../../web/model/model_in_use.mjs";

const OPTIONS = { "graphs-url": "./graphs/", backend: "auto" };
const ELSEWHERE = { "config-url": "https://other.example/c.json", "weights-url": "https://other.example/w" };

describe("the model in use, for a worker of its own", () => {
  test("the built-in one has its own graphs", () => {
    const { config, graphs } = modelInUse({ ...OPTIONS, ...BUILT_IN }, []);
    assert.deepEqual({ config, graphs }, { config: BUILT_IN["config-url"], graphs: "./built-in/" });
  });

  test("no host is contacted that the user has not agreed to", () => {
    const values = { ...OPTIONS, ...NVIDIA };
    assert.throws(() => modelInUse(values, []), /on huggingface\.co, which you have not agreed to contact/);
    allowOrigins(["https://huggingface.co"]);
    assert.equal(modelInUse(values, []).config, NVIDIA["config-url"]);
  });

  test("nor one that only a route reaches", () => {
    allowOrigins(["https://other.example"]);
    assert.throws(() => modelInUse({ ...OPTIONS, ...ELSEWHERE }, []), /drop them on the page/);
  });

  test("opened files take the place of addresses, but not of the graphs'", () => {
    const names = [
      "config.json",
      "preprocessor_config.json",
      "model.safetensors.index.json",
      "a.safetensors",
    ];
    const files = names.map((name) => new File([], name));
    const { config, preprocessor, weights } = modelInUse({ ...OPTIONS, ...ELSEWHERE }, files);
    assert.deepEqual([config, preprocessor, weights], [files[0], files[1], [files[2], files[3]]]);
    const graphs = { ...OPTIONS, "graphs-url": "https://graphs.example/" };
    assert.throws(() => modelInUse(graphs, files), /on graphs\.example/);
  });
});
