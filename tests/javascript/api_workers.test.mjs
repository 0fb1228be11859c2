import assert from "node:assert/strict";
import { test } from "node:test";

const scope = /** @type {any} */ (globalThis);

for (const name of ["api_worker", "encoder_api_worker"])
  test(`${name}: the picture of a frame that is cancelled before its turn is closed`, async () => {
    /** @type {any[]} */
    const answers = [];
    scope.postMessage = (/** @type {any} */ message) => answers.push(message);
    /** @type {(error: Error) => void} */
    let fail = () => {};
    globalThis.fetch = () =>
      new Promise((_, reject) => {
        fail = reject;
      });
    await import(`../../wasm_bridge/api/${name}.mjs`);
    const call = (/** @type {number} */ id, /** @type {string} */ what, /** @type {object} */ args) =>
      scope.onmessage({ data: { id, name: what, args } });
    let closed = 0;
    const image = {
      close: () => {
        closed += 1;
      },
    };
    call(0, "create", { siteUrl: "https://page.example/", settings: {}, model: null });
    call(1, name === "api_worker" ? "next" : "encode", { frame: { image } });
    call(2, name === "api_worker" ? "next" : "encode", {});
    for (const cancel of [1, 2]) scope.onmessage({ data: { cancel } });
    assert.equal(closed, 0, "the first call has not ended");
    // What `create` awaits: Python, whose files do not come.
    const ended = () => answers.filter(({ id, error }) => id > 0 && error).length === 2;
    while (!ended()) {
      fail(new TypeError("no network"));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(closed, 1);
  });
