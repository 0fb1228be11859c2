import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { beforeEach, describe, test } from "node:test";
import { defaultsOf, parseAddress } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);

describe("Settings", () => {
  /** @type {Settings} */
  let settings;
  /** @type {string[][]} */
  let heard;

  beforeEach(() => {
    settings = new Settings(TABLE, defaultsOf(TABLE));
    heard = [];
    settings.on("change", (changed) => heard.push(changed));
  });

  test("listeners hear the names of what has changed, once, and nothing of what has not", () => {
    settings.set({ "keyframe-duration": 5, "inference-width": 320 });
    settings.set({ "keyframe-duration": 5 });
    assert.deepEqual(heard, [["keyframe-duration", "inference-width"]]);
  });

  test("the object with the values stays the same", () => {
    const { values } = settings;
    settings.set({ "keyframe-duration": 5 });
    settings.restoreAll();
    assert.equal(settings.values, values);
  });

  test("what comes with a value is set as well", () => {
    settings.set({ "image-url": "./a.png" });
    assert.equal(settings.values.source, "image");
  });

  test("a mode moves the options that are at their defaults, and no others", () => {
    settings.set({ "top-k": 7 });
    settings.set({ mode: "tiled" });
    const tiled = defaultsOf(TABLE, "tiled");
    assert.deepEqual(settings.values, { ...tiled, mode: "tiled", "top-k": 7 });
    assert.equal(settings.isDefault("frames-per-clip"), true);
    settings.set({ mode: "realtime" });
    assert.deepEqual(settings.values, { ...defaultsOf(TABLE), "top-k": 7 });
  });

  test("options return to their defaults one by one and all together", () => {
    settings.set({ "keyframe-duration": 5, "patch-diff-grid": 7 });
    assert.equal(settings.changedCount, 2);
    settings.restore("patch-diff-grid");
    assert.equal(settings.changedCount, 1);
    settings.restoreAll();
    assert.deepEqual(settings.values, defaultsOf(TABLE));
  });

  test("nothing has changed for a visitor who has changed nothing", () => {
    const { values, start } = parseAddress(TABLE, "");
    const cold = new Settings(TABLE, values, start);
    assert.equal(cold.changedCount, 0);
    assert.equal(cold.isDefault("mask-visualization"), true);
    assert.equal(cold.query(), "");
    cold.set({ mode: "tiled" });
    assert.equal(cold.values["mask-visualization"], "outlines");
    cold.set({ mode: "realtime", "mask-visualization": "blend" });
    cold.restore("mask-visualization");
    assert.equal(cold.changedCount, 0);
    cold.set({ "mask-source": "patch-diff", "keyframe-duration": 5 });
    assert.equal(cold.changedCount, 2);
    cold.restoreAll();
    assert.equal(cold.changedCount, 0);
    assert.equal(cold.values["mask-source"], "autogaze");
    const asked = parseAddress(TABLE, "?mask-source=autogaze");
    assert.equal(new Settings(TABLE, asked.values, asked.start).changedCount, 1);
  });

  test("the query of any single change gives the same values again", () => {
    // Without a query the page starts with AutoGaze.
    assert.equal(settings.query(), "?mask-source=patch-diff&mask-visualization=image-mask-only");
    const cold = new Settings(TABLE, parseAddress(TABLE, "").values);
    assert.equal(cold.query(), "?mask-source=autogaze&mask-visualization=outlines");
    for (const option of TABLE.options) {
      const others = (option.choices ?? []).map((/** @type {{ value: string }} */ { value }) => value);
      for (const value of [...others, ...(option.type === "boolean" ? [true, false] : [])]) {
        const changed = new Settings(TABLE, defaultsOf(TABLE));
        changed.set({ [option.name]: value });
        const { values, problems } = parseAddress(TABLE, changed.query());
        assert.deepEqual([values, problems], [changed.values, []], `${option.name}=${value}`);
      }
    }
  });

  test("a default is in the query if another option would bring a different value", () => {
    settings.set({ "image-url": "./a.png" });
    settings.set({ source: "camera" });
    assert.match(settings.query(), /source=camera/);
  });

  test("an option without effect gives the reason", () => {
    const camera = settings.option("camera-width");
    settings.set({ source: "synthetic-pan" });
    assert.equal(settings.reasonWithoutEffect(camera), "Only with Source: Camera.");
    settings.set({ source: "camera" });
    assert.equal(settings.reasonWithoutEffect(camera), "");
    assert.throws(() => settings.option("nothing"), /no option "nothing"/);
  });
});
