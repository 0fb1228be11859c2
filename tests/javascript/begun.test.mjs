import assert from "node:assert/strict";
import test from "node:test";
import { begun } from "../../wasm_bridge/python/begun.mjs";

/** A task of Python as Pyodide's proxy shows it, that ends later. */
function task() {
  /** @type {(result: unknown) => void} */
  let fulfil = () => {};
  /** @type {(reason: unknown) => void} */
  let reject = () => {};
  const promise = new Promise((resolve, refuse) => {
    [fulfil, reject] = [resolve, refuse];
  });
  const proxy = {
    destroyed: 0,
    // biome-ignore lint/suspicious/noThenProperty: as a proxy has it
    then: promise.then.bind(promise),
    destroy() {
      this.destroyed += 1;
    },
  };
  return { proxy, fulfil, reject };
}

test("an answer is there before its task has ended, whose proxy is freed then", async () => {
  const { proxy, fulfil } = task();
  /** @type {(answer: string) => void} */
  let answer = () => {};
  const report = begun((/** @type {any} */ give) => {
    answer = give;
    return proxy;
  });
  answer("a report");
  assert.equal(await report, "a report");
  assert.equal(proxy.destroyed, 0);
  fulfil("a report");
  await new Promise(setImmediate);
  assert.equal(proxy.destroyed, 1);
});

test("what a task raises is the answer's error", async () => {
  const { proxy, reject } = task();
  const report = begun(() => proxy);
  reject(new Error("The GPU was lost."));
  await assert.rejects(report, /The GPU was lost/);
  await new Promise(setImmediate);
  assert.equal(proxy.destroyed, 1);
});
