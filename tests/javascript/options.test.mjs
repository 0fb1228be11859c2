import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import {
  accepted,
  defaultsOf,
  gridsOf,
  gridsText,
  ignoredNotes,
  impliedBy,
  parseAddress,
  parseQuery,
  parseValue,
} from "../../web/settings/options.mjs";

/** @type {import("../../web/settings/options.mjs").OptionTable} */
const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);

/** @param {string} name */
function option(name) {
  const found = [...TABLE.options, ...TABLE.shorthands].find((each) => each.name === name);
  assert(found, name);
  return found;
}

describe("parseQuery", () => {
  const read = (/** @type {string} */ query) => parseQuery(TABLE, query);

  test("an empty query gives every default and no problem", () => {
    assert.deepEqual(read(""), { values: defaultsOf(TABLE), problems: [] });
    assert.deepEqual(read("?"), read(""));
  });

  test("every spelling of a choice is read as that choice", () => {
    for (const each of TABLE.options) {
      for (const { value, aliases } of each.choices ?? []) {
        for (const word of [value, ...aliases]) {
          for (const given of [word, word.toUpperCase(), ` ${word.replaceAll("-", "_")} `]) {
            assert.equal(parseValue(each, given), value, `${each.name}=${given}`);
          }
        }
      }
    }
  });

  test("aliases of names count, in any case", () => {
    for (const each of TABLE.options) {
      for (const name of [each.name, ...each.aliases]) {
        const { problems } = read(`?${name.toUpperCase().replaceAll("-", "_")}=${each.default}`);
        assert.deepEqual(problems, [], name);
      }
    }
  });

  test("a name alone means true, and the last of several values counts", () => {
    assert.equal(read("?mirror").values["camera-mirror"], true);
    const { values, problems } = read("?width=3&width=320");
    assert.equal(values["inference-width"], 320);
    assert.deepEqual(problems, [
      'inference-width is a whole number from 16 to 4096, or auto, native, got "3".',
    ]);
  });

  test("plus signs and percent signs are decoded", () => {
    const { values } = read("?camera-facing=+back+&source=synthetic%2Dpan");
    assert.equal(values["camera-facing"], "back");
    assert.equal(values.source, "synthetic-pan");
  });

  test("what is unknown or wrong is reported in a sentence each, and its default stays", () => {
    const { values, problems } = read("?nope&mirror=2");
    assert.equal(problems.length, 2);
    assert.match(problems[0] ?? "", /^There is no option "nope"; the options are source, /);
    assert.equal(problems[1], 'camera-mirror is true, false or auto, got "2".');
    assert.deepEqual(values, defaultsOf(TABLE));
  });

  test("an explicit value wins over one that a preset or shorthand implies, in any order", () => {
    for (const query of ["?preset=quality&keyframe-duration=5", "?keyframe-duration=5&preset=quality"]) {
      assert.equal(read(query).values["keyframe-duration"], 5);
    }
  });

  test("the mode decides on the defaults of the rest", () => {
    const { values } = read("?mode=tiled");
    assert.deepEqual(values, { ...defaultsOf(TABLE, "tiled"), mode: "tiled" });
    assert.notDeepEqual(defaultsOf(TABLE, "tiled"), defaultsOf(TABLE));
  });
});

describe("options of other viewers that do nothing here", () => {
  test("are accepted with any value, and a note says why they do nothing", () => {
    const query = "?transfer=gpu&KV_CACHE=false&in-flight&decoder=chunked:4&source=pan";
    const { values, problems } = parseQuery(TABLE, query);
    assert.deepEqual(problems, []);
    assert.equal(values.source, "synthetic-pan");
    const notes = ignoredNotes(TABLE, query);
    const names = ["display-transfer", "streaming-cache", "max-in-flight", "decode-strategy"];
    assert.equal(notes.length, names.length);
    for (const [index, name] of names.entries())
      assert.match(notes[index] ?? "", new RegExp(`^${name} has no effect\\. [A-Z].*\\.$`));
    assert.deepEqual(ignoredNotes(TABLE, "?source=pan&width=320"), []);
  });

  test("every note is a sentence", () => {
    for (const { note, name } of TABLE.shorthands) if (note) assert.match(note, /^[A-Z].*\.$/, name);
  });
});

describe("parseAddress", () => {
  const read = (/** @type {string} */ query) => parseAddress(TABLE, query).values;

  test("an address that names no source and no mask source starts with AutoGaze on the sample", () => {
    for (const query of ["", "?", "?width=320", "?mode=tiled", "?source=tv", "?load-model=off"]) {
      const { source, "mask-source": maskSource, "mask-visualization": panel } = read(query);
      assert.deepEqual([source, maskSource, panel], ["sample", "autogaze", "outlines"], query);
    }
  });

  test("an address that names one of them is read as any query", () => {
    for (const query of ["?source=pan", "?source=sample", "?mask-source=diff", "?image-url=./a.png"])
      assert.deepEqual(read(query), parseQuery(TABLE, query).values, query);
    assert.equal(read("?mask-source=patch-diff").source, "sample");
    assert.equal(read("?source=camera")["mask-source"], "patch-diff");
  });
});

describe("parseValue", () => {
  test("numbers are within their limits, and whole where they have to be", () => {
    for (const each of [...TABLE.options, ...TABLE.shorthands]) {
      if (each.type !== "number" && each.type !== "integer") continue;
      const { minimum, maximum } = each;
      if (minimum !== undefined) {
        assert.equal(parseValue(each, String(minimum)), minimum, each.name);
        assert.equal(parseValue(each, String(minimum - 1)), undefined, each.name);
      }
      if (maximum !== undefined) {
        assert.equal(parseValue(each, ` ${maximum} `), maximum, each.name);
        assert.equal(parseValue(each, String(maximum + 1)), undefined, each.name);
      }
      for (const given of ["", "x", "nan", "inf", "1 2", "1e999"]) {
        if (each.choices?.some(({ aliases }) => aliases.includes(given))) continue;
        assert.equal(parseValue(each, given), undefined, `${each.name}=${given}`);
      }
      if (each.type === "integer")
        assert.equal(parseValue(each, String((minimum ?? 0) + 0.5)), undefined, each.name);
    }
  });

  test("a loss may be off, or a number of decibels", () => {
    const loss = option("task-loss-requirement");
    for (const off of ["off", "None", " DISABLED "]) assert.equal(parseValue(loss, off), "off");
    for (const given of ["20dB", " 20 DB ", "20.db"]) assert.equal(parseValue(loss, given), 0.1);
    for (const given of ["-1dB", "1e1dB", "dB"]) assert.equal(parseValue(loss, given), undefined);
    for (let decibels = 0; decibels < 60; decibels++) {
      const value = Number(parseValue(loss, `${decibels}dB`));
      assert(Math.abs(-20 * Math.log10(value) - decibels) < 1e-9);
    }
  });

  test("addresses are on the web or say that they are relative", () => {
    const url = option("weights-url");
    for (const good of [
      "https://example.org/a",
      "HTTP://example.org:80/a?b=c#d",
      "/a",
      "./a",
      "../a",
      "//e/a",
      "./my 100% film: 2.mp4",
    ])
      assert.equal(parseValue(url, ` ${good} `), good);
    for (const bad of [
      ".../a",
      "a/b",
      "https:///a",
      "https://example.org",
      "ftp://e/a",
      "C:\\a",
      "https://a b/c",
    ])
      assert.equal(parseValue(url, bad), undefined, bad);
  });

  test("grids are sorted and named once", () => {
    const grids = option("hidden-scales");
    for (const [given, expected] of /** @type {[string, string | undefined][]} */ ([
      ["14+2+2", "2+14"],
      ["2 14", "2+14"],
      [" NONE ", "none"],
      ["none+2", undefined],
      ["0", undefined],
      ["2+", undefined],
      ["10000", undefined],
    ]))
      assert.equal(parseValue(grids, given), expected, given);
  });
});

test("gridsText and gridsOf are inverse on sorted grids", () => {
  for (const grids of [[], [1], [2, 4, 7, 14], [9999]]) assert.deepEqual(gridsOf(gridsText(grids)), grids);
});

test("a shorthand implies the values of its choice, an untouched default nothing", () => {
  assert.deepEqual(Object.keys(impliedBy(option("task-loss-requirement-db"), 20)), ["task-loss-requirement"]);
  assert.equal(impliedBy(option("task-loss-requirement-db"), 20)["task-loss-requirement"], 0.1);
  assert.deepEqual(impliedBy(option("image-url"), ""), {});
  assert.deepEqual(impliedBy(option("image-url"), "./a.png"), { source: "image" });
});

test("accepted describes every option in words that name its limits", () => {
  for (const each of [...TABLE.options, ...TABLE.shorthands]) {
    const words = accepted(each);
    assert.doesNotMatch(words, /undefined|NaN/, each.name);
    for (const { value } of each.choices ?? [])
      assert(words.includes(value) || each.loss, `${each.name}: ${words}`);
    if (each.type === "integer" && each.maximum !== undefined) assert(words.includes(String(each.maximum)));
  }
});
