/**
 * A model on WebAssembly in a worker of its own (`gaze_worker.mjs`). What a video carries from frame to frame
 * stays there; a run's small inputs and its decisions cross.
 *
 * ONNX Runtime's own proxy worker would not do: it cannot be had in a worker, and sends all inputs across.
 * @module
 */

import { startWorker } from "../calls/start_worker.mjs";
import { newCounters } from "./gaze_graphs.mjs";

/** @typedef {import("./gaze_graphs.mjs").GazeRunner} GazeRunner */
/** @typedef {import("./gaze_graphs.mjs").Run} Run */
/** @typedef {import("./gaze_worker.mjs").FromRunner} FromRunner */
/** @typedef {import("./gaze_worker.mjs").RunnerSetup} RunnerSetup */
/** @typedef {import("./gaze_worker.mjs").ToRunner} ToRunner */

/** @implements {GazeRunner} */
export class RemoteGazeRunner {
  counters = newCounters();
  /** The processor stays. @type {Promise<void>} */
  lost = new Promise(() => {});
  /** Threads that ONNX Runtime computes with, once it is prepared. */
  threads = 1;

  #setup;
  #worker;
  /** Who waits for an answer, in order. @type {{ resolve: (answer: any) => void, reject: (error: Error) => void }[]} */
  #waiting = [];
  /** Why nothing is answered any more. */
  #ended = "";

  /** @param {RunnerSetup} setup its weights are given away */
  constructor(setup) {
    this.#setup = setup;
    this.#worker = startWorker(new URL("gaze_worker.mjs", import.meta.url));
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end("The model's worker could not start or broke down: reload the page.");
    };
  }

  async prepare() {
    const setup = this.#setup;
    const buffers = [...setup.weights.values()].map(({ buffer }) => buffer);
    const { threads } = await this.#ask({ type: "prepare", setup }, [...new Set(buffers)]);
    this.threads = threads;
    this.#setup = { ...setup, weights: new Map() };
  }

  restart() {
    this.#post({ type: "restart" });
  }

  /** @param {Run} run its feeds are given away */
  async execute(run) {
    const buffers = Object.values(run.feeds).map(({ buffer }) => buffer);
    const { decisions } = await this.#ask({ type: "execute", run }, [...new Set(buffers)]);
    return decisions;
  }

  /** Ends the worker, in the middle of a run if need be. */
  async close() {
    this.#worker.terminate();
    this.#end("The model was closed.");
  }

  /**
   * @param {ToRunner} message
   * @param {ArrayBufferLike[]} buffers
   * @returns {Promise<any>}
   */
  #ask(message, buffers) {
    if (this.#ended) return Promise.reject(new Error(this.#ended));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#post(message, buffers);
    });
  }

  /**
   * @param {ToRunner} message
   * @param {ArrayBufferLike[]} [buffers]
   */
  #post(message, buffers = []) {
    this.#worker.postMessage(message, /** @type {ArrayBuffer[]} */ (buffers));
  }

  /** @param {FromRunner} answer */
  #receive(answer) {
    const waiting = this.#waiting.shift();
    if (answer.type === "failed") {
      waiting?.reject(new Error(answer.message));
      return;
    }
    Object.assign(this.counters, answer.counters);
    waiting?.resolve(answer);
  }

  /** @param {string} reason */
  #end(reason) {
    this.#ended = reason;
    for (const { reject } of this.#waiting) reject(new Error(reason));
    this.#waiting = [];
  }
}
