/**
 * A vision encoder in a worker of its own (`encoder_worker.mjs`).
 * @module
 */

import { routeTo } from "../calls/routed_fetch.mjs";
import { buffersOf, WorkerCalls } from "../calls/worker_calls.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { EncoderRun } from "./encoder_graphs.mjs" */
/** @import { EncoderCalls, EncoderSetup } from "./encoder_worker.mjs" */

export class RemoteEncoder {
  counters = newCounters();
  /** Resolves if the GPU goes away, and the encoder with it: no run is answered any more. @type {Promise<void>} */
  lost;
  /** Threads that ONNX Runtime computes with on WebAssembly, once prepared; undefined on a GPU. @type {number | undefined} */
  threads;

  #setup;
  /** @type {WorkerCalls<EncoderCalls>} */
  #calls;

  /** @param {EncoderSetup} setup on WebAssembly `prepare` transfers its weights; a GPU may fail, and then others need them */
  constructor(setup) {
    this.#setup = setup;
    let lose = () => {};
    this.lost = new Promise((resolve) => {
      lose = resolve;
    });
    this.#calls = new WorkerCalls(new URL("encoder_worker.mjs", import.meta.url), {
      failure: "The encoder's worker could not start or broke down: start it again.",
      onEvent: () => {
        lose();
        this.#calls.terminate("The GPU was lost: load the encoder again.");
      },
      endOnError: true,
    });
  }

  async prepare() {
    const setup = this.#setup;
    this.#setup = { ...setup, weights: new Map() };
    const route = routeTo(setup.graphsUrl);
    const weights = setup.backend === "wasm" ? buffersOf(setup.weights.values()) : [];
    const transfer = [...weights, ...(route ? [route.port] : [])];
    const { threads } = await this.#calls.call("prepare", { ...setup, route }, { transfer });
    if (setup.backend === "wasm") this.threads = threads;
  }

  /** @param {EncoderRun} run its feeds are transferred */
  async execute(run) {
    const transfer = buffersOf(Object.values(run.feeds).map(({ data }) => data));
    const { answer, counters } = await this.#calls.call("execute", run, { transfer });
    Object.assign(this.counters, counters);
    return answer;
  }

  /**
   * Frees the keys and values of a stream.
   * @param {string} stream
   */
  forget(stream) {
    return this.#calls.call("forget", stream);
  }

  /** Ends the worker, even during a run, and frees all it holds. */
  async close() {
    this.#calls.terminate("The encoder was closed.");
  }
}
