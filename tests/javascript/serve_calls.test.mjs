import assert from "node:assert/strict";
import { test } from "node:test";
import { serveCalls } from "../../wasm_bridge/calls/serve_calls.mjs";

const scope = /** @type {any} */ (globalThis);

test("what a call transferred is dropped if it is cancelled while it waits, and only then", async () => {
  /** @type {any[]} */
  const answers = [];
  scope.postMessage = (/** @type {any} */ message) => answers.push(message);
  let release = () => {};
  /** @type {Promise<void>} */
  const released = new Promise((resolve) => {
    release = resolve;
  });
  /** @type {string[]} */
  const ran = [];
  /** @type {string[]} */
  const dropped = [];
  const handlers = {
    /** @param {{ name: string }} args */
    async draw({ name }) {
      ran.push(name);
      await released;
      return name;
    },
  };
  serveCalls(handlers, {
    serialize: true,
    drop: (/** @type {{ name: string }} */ { name }) => dropped.push(name),
  });
  const names = ["runs", "waits", "cancelled", "last"];
  for (const [id, name] of names.entries()) scope.onmessage({ data: { id, name: "draw", args: { name } } });
  scope.onmessage({ data: { cancel: 2 } });
  await Promise.resolve();
  scope.onmessage({ data: { cancel: 0 } });
  release();
  while (answers.length < 1 + names.length) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(ran, ["runs", "waits", "last"]);
  assert.deepEqual(dropped, ["cancelled"]);
  assert.deepEqual(answers[0], { started: true });
  assert.deepEqual(
    answers.slice(1).map(({ id, value, error }) => [id, value ?? typeof error]),
    [
      [0, "runs"],
      [1, "waits"],
      [2, "string"],
      [3, "last"],
    ],
  );
});
