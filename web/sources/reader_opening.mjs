/**
 * Opens the reader of a file once it is needed. Its frames are counted then, which takes time and can be cancelled.
 * @module
 */

/** @import { CountingProgress, OpenedFile, Reader } from "./opened_file.mjs" */

/**
 * @typedef {object} OpeningEvents
 * @property {() => void} onProgress `counting` has changed
 * @property {() => void} onCancelled counting was cancelled
 * @property {() => void} onProblem the file cannot be read frame by frame, see `problem`
 */

export class ReaderOpening {
  /** Undefined until the frames are counted. @type {Reader | undefined} */
  reader;
  /** How far they are counted, while they are. @type {CountingProgress | undefined} */
  counting;
  /** Why there is no reader; empty while there may be one. */
  problem = "";

  #file;
  #events;
  /** @type {Promise<Reader | undefined> | undefined} */
  #running;
  #abort = new AbortController();
  #closed = false;

  /**
   * @param {OpenedFile} file
   * @param {OpeningEvents} events
   */
  constructor(file, events) {
    this.#file = file;
    this.#events = events;
  }

  /**
   * @returns {Promise<Reader | undefined>} undefined if the file cannot be read frame by frame or counting was
   *   cancelled
   */
  async open() {
    if (this.reader || this.problem || this.#closed) return this.reader;
    this.#running ??= this.#open();
    return this.#running;
  }

  /** Stops counting; `open` counts anew. */
  cancel() {
    this.#abort.abort();
  }

  close() {
    this.#closed = true;
    this.cancel();
    this.reader?.close();
  }

  async #open() {
    this.#abort = new AbortController();
    try {
      const reader = await this.#file.openReader({
        signal: this.#abort.signal,
        duration: this.#file.player.duration,
        onProgress: (progress) => {
          this.counting = progress;
          this.#events.onProgress();
        },
      });
      this.#end();
      this.reader = reader;
      if (this.#closed) reader.close();
      return reader;
    } catch (error) {
      this.#end();
      if (!this.#closed) this.#report(error);
      return undefined;
    }
  }

  #end() {
    this.#running = undefined;
    this.counting = undefined;
  }

  /** @param {unknown} error */
  #report(error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      this.#events.onCancelled();
      return;
    }
    this.problem = error instanceof Error ? error.message : String(error);
    this.#events.onProblem();
  }
}
