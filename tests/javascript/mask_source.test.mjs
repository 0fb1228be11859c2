import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, mock, test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { LoadedModel } from "../../wasm_bridge/model/loaded_model.mjs";
import { defaultsOf, parseQuery } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import { fakeElement } from "./fake_page.mjs";

const { MaskSource } = await import("../../web/model/mask_source.mjs");

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);
const LIMIT = "max-gaze-tokens-each-frame";

/** A mask source, its view, and what it asked for. @param {string} query */
function makeSource(query) {
  const { values } = parseQuery(TABLE, query);
  const settings = new Settings(TABLE, { ...defaultsOf(TABLE), ...values });
  /** @type {unknown[]} */
  const done = [];
  const view = Object.assign(/** @type {any} */ (new TypedEventTarget()), {
    limitTokens: async (/** @type {number} */ limit) => {
      done.push(`limit ${limit}`);
      return limit <= 20;
    },
    loadModel: ({ maxTokens = 0 }) => done.push(`load ${maxTokens}`),
    cancelModel: () => done.push("cancel"),
    unloadModel: () => done.push("unload"),
  });
  const player = { redrawIfPaused: () => done.push("redraw") };
  const source = new MaskSource(/** @type {any} */ ({ view, settings, player }));
  return { source, settings, view, done };
}

test("the source that is chosen is active once its model is ready, and what goes wrong with it is said", () => {
  const { source, settings, view, done } = makeSource("?max-tokens=0");
  /** @type {unknown[]} */
  const active = [];
  source.on("active", (name) => active.push(name));
  assert.deepEqual(source.facts, { budget: "196 cells", backend: "" });
  view.emit("model-ready", { backend: "late", superseded: false });
  view.emit("model-error", { message: "late" });
  assert.equal(source.backend, "");

  settings.set({ "mask-source": "autogaze" });
  view.emit("model-progress", { step: "Downloading", loaded: 1e6, total: 4e6 });
  assert.equal(fakeElement("model-bytes").textContent, "1.0 of 4.0 MB");
  source.choose("autogaze");
  assert.deepEqual(done.splice(0), ["load 0", "cancel", "load 0"]);
  view.emit("model-ready", { backend: "WebGPU", superseded: true });
  view.emit("model-ready", { backend: "WebGPU", superseded: false });
  assert.deepEqual(source.facts, { budget: "the model's budget", backend: "WebGPU" });

  view.emit("model-lost", { message: "The GPU was lost." });
  assert.equal(fakeElement("notice-text").textContent, "The GPU was lost.");
  view.emit("model-error", { message: "No backend is left." });
  assert.equal(source.chosen, "patch-diff");
  assert.equal(fakeElement("notice-text").textContent, "No backend is left.");

  source.choose("autogaze");
  view.emit("model-ready", { backend: "WebGPU", superseded: false });
  settings.set({ backend: "wasm" });
  view.emit("model-error", { message: "There is no memory." });
  assert.equal(source.chosen, "autogaze", "the model that was loaded stays");
  view.emit("restart", {});
  view.emit("model-ready", { backend: "WebAssembly", superseded: false });
  view.emit("model-note", { message: "It is slow." });
  view.emit("model-stopped", { message: "It computed NaN." });
  assert.equal(settings.values["mask-source"], "patch-diff");
  view.emit("restart", {});
  source.choose("patch-diff");
  const [model, none] = ["autogaze", "patch-diff"];
  assert.deepEqual(active, [model, model, none, model, none, model, none, none, none]);
});

describe("a limit on tokens", () => {
  test("is at least top-k, and the model is loaded again only where its graphs do not cover it", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { source, settings, view, done } = makeSource("?max-tokens=3&mask-source=autogaze");
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
