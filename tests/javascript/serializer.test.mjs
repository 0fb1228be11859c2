import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Serializer } from "../../wasm_bridge/calls/serializer.mjs";

describe("Serializer", () => {
  test("a task starts when the one before it has ended, even if that failed", async () => {
    const serializer = new Serializer();
    /** @type {string[]} */
    const seen = [];
    const first = serializer.run(async () => {
      seen.push("first starts");
      await new Promise((resolve) => setImmediate(resolve));
      seen.push("first ends");
      throw new Error("it failed");
    });
    const second = serializer.run(() => seen.push("second"));
    await assert.rejects(first, { message: "it failed" });
    assert.equal(await second, 3);
    assert.deepEqual(seen, ["first starts", "first ends", "second"]);
  });

  test("is idle when all tasks have ended", async () => {
    const serializer = new Serializer();
    let ended = false;
    serializer
      .run(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        ended = true;
        throw new Error("it failed");
      })
      .catch(() => {});
    await serializer.idle();
    assert(ended);
  });
});
