import assert from "node:assert/strict";
import { test } from "node:test";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";

/** @extends {TypedEventTarget<{ count: number }>} */
class Counter extends TypedEventTarget {
  /** @param {number} value */
  set(value) {
    this.emit("count", value);
  }
}

test("listeners get the detail of each event until they are removed", () => {
  const counter = new Counter();
  const stop = new AbortController();
  /** @type {string[]} */
  const heard = [];
  counter.on("count", (count) => heard.push(`always ${count}`));
  counter.on("count", (count) => heard.push(`once ${count}`), { once: true });
  counter.on("count", (count) => heard.push(`until stopped ${count}`), { signal: stop.signal });
  counter.addEventListener("count", (event) =>
    heard.push(`event ${/** @type {CustomEvent<number>} */ (event).detail}`),
  );
  counter.set(1);
  stop.abort();
  counter.set(2);
  assert.deepEqual(heard, ["always 1", "once 1", "until stopped 1", "event 1", "always 2", "event 2"]);
});
