/**
 * In place of the browser's workers: stores the calls that it is sent, whose answers come from the test.
 * @module
 */

export class FakeWorker {
  /** @type {FakeWorker[]} */
  static started = [];

  /** The one that was started last. */
  static newest() {
    const worker = FakeWorker.started.at(-1);
    if (!worker) throw new Error("no worker was started");
    return worker;
  }

  /** @type {{ message: any, transfer: any[] }[]} */
  posted = [];
  terminated = false;
  /** @type {(event: { data: any }) => void} */
  onmessage = () => {};
  /** @type {(event: { message?: string, preventDefault: () => void }) => void} */
  onerror = () => {};

  constructor() {
    FakeWorker.started.push(this);
  }

  /**
   * @param {any} message
   * @param {any[]} [transfer]
   */
  postMessage(message, transfer = []) {
    this.posted.push({ message, transfer });
  }

  addEventListener() {}

  terminate() {
    this.terminated = true;
  }

  /** Sends a message to the page. @param {any} message */
  send(message) {
    this.onmessage({ data: message });
  }

  /** The ids of the calls of one name, in order. @param {string} name */
  ids(name) {
    return this.posted.filter(({ message }) => message.name === name).map(({ message }) => message.id);
  }
}

/** Has modules start these workers. */
export function installFakeWorkers() {
  FakeWorker.started = [];
  /** @type {any} */ (globalThis).Worker = FakeWorker;
}
