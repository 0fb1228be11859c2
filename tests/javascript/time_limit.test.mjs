import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { readBody } from "../../wasm_bridge/calls/limited_fetch.mjs";
import { withTimeLimit } from "../../wasm_bridge/calls/time_limit.mjs";
import { WorkerCalls } from "../../wasm_bridge/calls/worker_calls.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

const settled = () => new Promise((go) => setImmediate(go));

describe("time limits", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  test("a promise in time gives its outcome, one that never settles a sentence", async () => {
    assert.equal(await withTimeLimit(Promise.resolve(1), 10, "too late"), 1);
    await assert.rejects(withTimeLimit(Promise.reject(new Error("own")), 10, "too late"), { message: "own" });
    const never = withTimeLimit(new Promise(() => {}), 10, "too late");
    mock.timers.tick(10);
    await assert.rejects(never, { message: "too late" });
  });

  test("a worker that does not start fails its calls, one that starts may take its time", async () => {
    installFakeWorkers();
    const startCalls = () =>
      new WorkerCalls(new URL("https://page.example/a.mjs"), { failure: "It did not start." });
    const stuck = startCalls().call("add", {});
    mock.timers.tick(120_000);
    await assert.rejects(stuck, { message: "It did not start." });
    assert(FakeWorker.newest().terminated);
    const slow = startCalls().call("add", {});
    FakeWorker.newest().send({ started: true });
    mock.timers.tick(1_000_000);
    FakeWorker.newest().send({ id: FakeWorker.newest().ids("add")[0], value: 3 });
    assert.equal(await slow, 3);
  });

  test("a body that drips is read to its end, one that halts ends in a sentence", async () => {
    /** @type {ReadableStreamDefaultController<Uint8Array>} */
    let controller = /** @type {any} */ (null);
    const body = () =>
      new Response(
        new ReadableStream({
          start(own) {
            controller = own;
          },
        }),
      );
    const reading = readBody(body(), "a.onnx", 100, 1000);
    for (let drop = 0; drop < 5; drop++) {
      controller.enqueue(new Uint8Array([drop]));
      await settled();
      mock.timers.tick(999);
    }
    controller.close();
    assert.deepEqual([...(await reading)], [0, 1, 2, 3, 4]);
    const halted = readBody(body(), "a.onnx", 100, 1000);
    await settled();
    mock.timers.tick(1000);
    await assert.rejects(halted, { message: "The download of a.onnx came to a halt: load the model again." });
    const broken = readBody(body(), "a.onnx", 100, 1000);
    controller.error(new TypeError("network error"));
    await assert.rejects(broken, { message: "The download of a.onnx broke off: load the model again." });
  });

  test("a body without an end is refused at its limit", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1_000_000));
      },
    });
    await assert.rejects(readBody(new Response(endless), "graphs.json", 10_000_000), {
      message: "graphs.json has more than 10 MB: use the files of autogaze-web export.",
    });
    assert(pulled < 20);
  });
});
