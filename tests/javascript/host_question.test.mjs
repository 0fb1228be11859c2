import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeElement } from "./fake_page.mjs";

const stored = new Map();
Object.assign(globalThis, {
  sessionStorage: {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => stored.set(key, value),
  },
});
const { allowOrigins, askAboutHosts, dismissHostQuestion, originsToAsk, otherOrigins } = await import(
  "../../web/model/host_question.mjs"
);

const FIRST = "https://first.example";
const SECOND = "https://second.example:8443";

describe("host question", () => {
  test("other sites are found in whatever form their address has", () => {
    const addresses = ["./a.json", "/b", "https://page.example/c", undefined, "", "blob:https://x.example/1"];
    assert.deepEqual(otherOrigins(addresses), []);
    const others = [
      `${FIRST}/a`,
      " https://FIRST.example/b ",
      "//second.example:8443/c",
      "https:\\\\first.example",
    ];
    assert.deepEqual(otherOrigins(others), [FIRST, SECOND]);
    // Another port or scheme of the site's own host is another origin.
    assert.deepEqual(otherOrigins(["http://page.example/a"]), ["http://page.example"]);
  });

  test("the question names every host, and the answer holds for this tab", async () => {
    const answer = askAboutHosts([FIRST, SECOND]);
    assert.equal(fakeElement("host-question").hidden, false);
    assert.match(
      fakeElement("host-question-text").textContent,
      /from first\.example and second\.example:8443\./,
    );
    assert.equal(fakeElement("host-allow").textContent, "Load from first.example and second.example:8443");
    assert.deepEqual(originsToAsk([FIRST, SECOND]), [FIRST, SECOND]);
    fakeElement("host-allow").click();
    assert.equal(await answer, true);
    assert.equal(fakeElement("host-question").hidden, true);
    assert.deepEqual(originsToAsk([FIRST, SECOND, "https://third.example"]), ["https://third.example"]);
    assert.deepEqual(JSON.parse([...stored.values()].join()), [FIRST, SECOND]);
  });

  test("a refused, replaced or withdrawn question allows nothing", async () => {
    const third = ["https://third.example"];
    const refused = askAboutHosts(third);
    fakeElement("host-refuse").click();
    assert.equal(await refused, false);
    const replaced = askAboutHosts(third);
    const withdrawn = askAboutHosts(third);
    assert.equal(await replaced, false);
    dismissHostQuestion();
    assert.equal(await withdrawn, false);
    fakeElement("host-allow").click(); // too late
    assert.equal(fakeElement("host-question").hidden, true);
    assert.deepEqual(originsToAsk(third), third);
    allowOrigins(third);
    assert.deepEqual(originsToAsk(third), []);
  });
});
