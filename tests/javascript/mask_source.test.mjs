import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, mock, test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { LoadedModel } from "../../wasm_bridge/model/loaded_model.mjs";
import { defaultsOf, parseQuery } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import "./fake_page.mjs";

const { MaskSource } = await import("../../web/model/mask_source.mjs");

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);
const LIMIT = "max-gaze-tokens-each-frame";

describe("a limit on tokens", () => {
  test("is at least top-k, and the model is loaded again only where its graphs do not cover it", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { values } = parseQuery(TABLE, "?max-tokens=3&mask-source=autogaze");
    const settings = new Settings(TABLE, { ...defaultsOf(TABLE), ...values });
    /** @type {unknown[]} */
    const done = [];
    const view = Object.assign(/** @type {any} */ (new TypedEventTarget()), {
      limitTokens: async (/** @type {number} */ limit) => {
        done.push(`limit ${limit}`);
        return limit <= 20;
      },
      loadModel: ({ maxTokens = 0 }) => done.push(`load ${maxTokens}`),
    });
    const player = { redrawIfPaused: () => done.push("redraw") };
    const source = new MaskSource(/** @type {any} */ ({ view, settings, player }));
    source.choose("autogaze");
    view.emit("model-ready", { backend: "WebAssembly", superseded: false });
    assert.deepEqual(source.facts, { budget: "10 tokens", backend: "WebAssembly" });
    for (const limit of [12, 20, 30, 40]) {
      settings.set({ [LIMIT]: limit });
      await new Promise(setImmediate);
    }
    mock.timers.tick(400);
    await new Promise(setImmediate);
    mock.timers.reset();
    assert.deepEqual(done, [
      "load 10",
      "redraw",
      ...["limit 12", "redraw", "limit 20", "redraw"],
      ...["limit 30", "limit 40", "load 40"],
    ]);
  });

  test("is covered by a loaded model if it needs the same graphs", () => {
    for (const [adapter, target] of /** @type {const} */ ([
      [undefined, "cpu"],
      [{}, "gpu"],
    ])) {
      const graphsFor = (/** @type {string} */ on, /** @type {number | null} */ limit) =>
        `${on} ${limit && limit <= 20 ? 20 : 265}`;
      const runner = { lost: new Promise(() => {}) };
      const started = { graphs: `${target} 20`, backend: { adapter }, runner, notes: [] };
      const model = new LoadedModel(null, /** @type {any} */ (started), graphsFor);
      assert.deepEqual(
        [3, 20, 21, null].map((limit) => model.covers(limit)),
        [true, true, false, false],
      );
    }
  });
});
