/**
 * A model on WebAssembly in a worker of its own (`gaze_worker.mjs`). What a video carries from frame to frame
 * stays there; only a run's small inputs and its decisions cross.
 *
 * ONNX Runtime's own proxy worker is no alternative: it is unavailable inside a worker and sends all inputs across.
 * @module
 */

import { routeTo } from "../calls/routed_fetch.mjs";
import { buffersOf, WorkerCalls } from "../calls/worker_calls.mjs";
import { newCounters } from "./runner_counters.mjs";

/** @import { GazeRunner, Run } from "./gaze_graphs.mjs" */
/** @import { RunnerCalls, RunnerSetup } from "./gaze_worker.mjs" */

/** @implements {GazeRunner} */
export class RemoteGazeRunner {
  counters = newCounters();
  /** Never resolves: a processor is not lost. @type {Promise<void>} */
  lost = new Promise(() => {});
  /** Threads that ONNX Runtime computes with, once prepared. */
  threads = 1;
  /** @type {(() => void) | undefined} */
  onWait;

  #setup;
  /** @type {WorkerCalls<RunnerCalls>} */
  #calls;

  /** @param {RunnerSetup} setup `prepare` transfers its weights */
  constructor(setup) {
    this.#setup = setup;
    this.#calls = new WorkerCalls(new URL("gaze_worker.mjs", import.meta.url), {
      failure: "The model's worker could not start or broke down: reload the page.",
      endOnError: true,
    });
  }

  async prepare() {
    const setup = this.#setup;
    this.#setup = { ...setup, weights: new Map() };
    const route = routeTo(setup.graphsUrl);
    const transfer = [...buffersOf(setup.weights.values()), ...(route ? [route.port] : [])];
    const { threads, counters } = await this.#calls.call("prepare", { ...setup, route }, { transfer });
    this.threads = threads;
    Object.assign(this.counters, counters);
  }

  restart() {
    this.#calls.call("restart", null).catch(() => {}); // fails only if the worker has ended
  }

  /** @param {Run} run its feeds are transferred */
  async execute(run) {
    const transfer = buffersOf(Object.values(run.feeds));
    const executed = this.#calls.call("execute", run, { transfer });
    try {
      this.onWait?.();
    } finally {
      await executed;
    }
    const { decisions, counters } = await executed;
    Object.assign(this.counters, counters);
    return decisions;
  }

  /** Ends the worker, even during a run. */
  async close() {
    this.#calls.terminate("The model was closed.");
  }
}
