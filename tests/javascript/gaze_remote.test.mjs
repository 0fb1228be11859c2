import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { RemoteGazeRunner } from "../../wasm_bridge/runner/gaze_remote.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

const counters = { runs: 3, readBacks: 0, bytesRead: 0, bytesWritten: 0, allocations: 8 };

describe("RemoteGazeRunner", () => {
  /** @type {FakeWorker} */
  let worker;
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
  const decisions = (/** @type {number} */ value) => ({ decisions: new Float32Array([value]), counters });

  beforeEach(() => {
    installFakeWorkers();
    const weights = new Map([
      ["a", new Uint8Array(4)],
      ["b", new Uint8Array(8)],
    ]);
    const setup = { siteUrl: "s", threads: 4, graphs: [], graphsUrl: "g", weights };
    runner = new RemoteGazeRunner(/** @type {any} */ (setup));
    worker = FakeWorker.newest();
  });

  test("transfers the weights once, and learns how many threads there are", async () => {
    const prepared = runner.prepare();
    assert.equal(worker.posted[0]?.transfer.length, 2);
    worker.send({ id: worker.ids("prepare")[0], value: { threads: 2, counters } });
    await prepared;
    assert.equal(runner.threads, 2);
    assert.deepEqual(runner.counters, counters);
  });

  test("each answer belongs to its run, in whatever order they come; a failed run fails alone", async () => {
    const [first, second, third] = [runner.execute(run(1)), runner.execute(run(2)), runner.execute(run(3))];
    const [a, b, c] = worker.ids("execute");
    worker.send({ id: c, value: decisions(3) });
    worker.send({ id: a, value: decisions(1) });
    worker.send({ id: b, error: "out of memory" });
    assert.deepEqual(await first, new Float32Array([1]));
    await assert.rejects(second, { message: "out of memory" });
    assert.deepEqual(await third, new Float32Array([3]));
  });

  test("closing ends the worker, and pending and later runs fail", async () => {
    const running = assert.rejects(runner.execute(run(1)), { message: "The model was closed." });
    await runner.close();
    assert(worker.terminated);
    await running;
    await assert.rejects(runner.execute(run(2)), { message: "The model was closed." });
  });

  test("a worker that breaks down is reported in a sentence", async () => {
    const running = assert.rejects(runner.execute(run(1)), {
      message: /^The model's worker could not start or broke down/,
    });
    let handled = false;
    worker.onerror({
      preventDefault: () => {
        handled = true;
      },
    });
    assert(handled);
    await running;
  });
});
