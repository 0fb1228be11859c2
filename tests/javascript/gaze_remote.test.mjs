import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { RemoteGazeRunner } from "../../wasm_bridge/runner/gaze_remote.mjs";

const counters = { runs: 3, readBacks: 0, bytesRead: 0, bytesWritten: 0, allocations: 8 };

/** @type {any} */
let worker;

class FakeWorker {
  /** @type {{ message: any, transfer: any[] }[]} */
  posted = [];
  ended = false;

  constructor() {
    worker = this;
  }

  /** @param {any} message @param {any[]} transfer */
  postMessage(message, transfer) {
    this.posted.push({ message, transfer });
  }

  addEventListener() {}

  /** Answers the Nth call. @param {number} call @param {object} answer */
  answer(call, answer) {
    /** @type {any} */ (this).onmessage({ data: { id: this.posted[call]?.message.id, ...answer } });
  }

  terminate() {
    this.ended = true;
  }
}

describe("RemoteGazeRunner", () => {
  /** @type {RemoteGazeRunner} */
  let runner;
  const run = (/** @type {number} */ value) =>
    /** @type {any} */ ({
      video: 0,
      graph: "frame",
      steps: 2,
      copies: [],
      feeds: { frame: new Float32Array([value]) },
    });

  beforeEach(() => {
    /** @type {any} */ (globalThis).Worker = FakeWorker;
    const weights = new Map([
      ["a", new Uint8Array(4)],
      ["b", new Uint8Array(8)],
    ]);
    runner = new RemoteGazeRunner(
      /** @type {any} */ ({ siteUrl: "s", threads: 4, graphs: [], graphsUrl: "g", weights }),
    );
  });

  test("hands the weights over once, and learns how many threads there are", async () => {
    const prepared = runner.prepare();
    assert.equal(worker.posted[0].transfer.length, 2);
    worker.answer(0, { value: { threads: 2, counters } });
    await prepared;
    assert.equal(runner.threads, 2);
    assert.deepEqual(runner.counters, counters);
  });

  test("each answer belongs to its run, in whatever order they come; a failed run fails alone", async () => {
    const [first, second, third] = [runner.execute(run(1)), runner.execute(run(2)), runner.execute(run(3))];
    worker.answer(2, { value: { decisions: new Float32Array([3]), counters } });
    worker.answer(0, { value: { decisions: new Float32Array([1]), counters } });
    worker.answer(1, { error: "out of memory" });
    assert.deepEqual(await first, new Float32Array([1]));
    await assert.rejects(second, { message: "out of memory" });
    assert.deepEqual(await third, new Float32Array([3]));
  });

  test("closing ends the worker, and runs under way and later ones fail", async () => {
    const running = runner.execute(run(1));
    await runner.close();
    assert(worker.ended);
    await assert.rejects(running, { message: "The model was closed." });
    await assert.rejects(runner.execute(run(2)), { message: "The model was closed." });
  });

  test("a worker that breaks down is reported in a sentence", async () => {
    const running = runner.execute(run(1));
    let handled = false;
    worker.onerror({
      preventDefault: () => {
        handled = true;
      },
    });
    assert(handled);
    await assert.rejects(running, { message: /^The model's worker could not start or broke down/ });
  });
});
