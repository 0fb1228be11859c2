import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { RemoteEncoder } from "../../wasm_bridge/runner/encoder_remote.mjs";
import { newCounters } from "../../wasm_bridge/runner/runner_counters.mjs";
import { FakeWorker, installFakeWorkers } from "./fake_worker.mjs";

describe("RemoteEncoder", () => {
  const start = (/** @type {string} */ backend) => {
    const weights = new Map([["a", new Uint8Array(4)]]);
    const setup = { siteUrl: "s", threads: 4, backend, graphs: [], graphsUrl: "g", weights };
    return new RemoteEncoder(/** @type {any} */ (setup));
  };
  beforeEach(installFakeWorkers);

  test("WebAssembly gets the weights themselves, a GPU copies, since it may fail", async () => {
    for (const [backend, transferred, threads] of /** @type {const} */ ([
      ["wasm", 1, 2],
      ["webgpu", 0, undefined],
    ])) {
      const encoder = start(backend);
      const worker = FakeWorker.newest();
      const prepared = encoder.prepare();
      assert.equal(worker.posted[0]?.transfer.length, transferred);
      worker.send({ id: worker.ids("prepare")[0], value: { threads: 2 } });
      await prepared;
      assert.equal(encoder.threads, threads);
    }
  });

  test("a run's feeds are transferred, its answer and the counters come back", async () => {
    const encoder = start("wasm");
    const worker = FakeWorker.newest();
    const feeds = { patches: { data: new Float32Array(2), shape: [1, 2] } };
    const running = encoder.execute(/** @type {any} */ ({ graph: "encoder", feeds }));
    assert.equal(worker.posted[0]?.transfer.length, 1);
    const answer = new Float32Array([1]);
    worker.send({ id: worker.ids("execute")[0], value: { answer, counters: { ...newCounters(), runs: 7 } } });
    assert.equal(await running, answer);
    assert.equal(encoder.counters.runs, 7);
    const forgotten = encoder.forget("stream 1");
    worker.send({ id: worker.ids("forget")[0], value: undefined });
    await forgotten;
  });

  test("with its GPU the encoder is lost: what waits for a run, and who asks for another, is told", async () => {
    const encoder = start("webgpu");
    const worker = FakeWorker.newest();
    const run = /** @type {any} */ ({ graph: "encoder", feeds: {} });
    /** @type {string[]} */
    const order = [];
    const pending = encoder.execute(run).catch((error) => order.push(error.message));
    encoder.lost.then(() => order.push("lost"));
    worker.send({ event: "lost", detail: null });
    await pending;
    const message = "The GPU was lost: load the encoder again.";
    assert.deepEqual(order, ["lost", message], "so that the one who knows more says it");
    assert(worker.terminated);
    await assert.rejects(encoder.execute(run), { message });
    await assert.rejects(encoder.forget("x"), { message });
  });

  test("a load whose GPU is lost fails as such, so that it is tried on another", async () => {
    const encoder = start("webgpu");
    const lost = encoder.lost.then(() => {
      throw new Error("lost");
    });
    const race = Promise.race([encoder.prepare(), lost]);
    FakeWorker.newest().send({ event: "lost", detail: null });
    await assert.rejects(race, { message: "lost" });
  });

  test("closing ends the worker", async () => {
    const encoder = start("webgpu");
    await encoder.close();
    assert(FakeWorker.newest().terminated);
    await assert.rejects(encoder.forget("x"), { message: "The encoder was closed." });
  });
});
