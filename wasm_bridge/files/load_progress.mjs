/**
 * Adds up the progress of several downloads.
 * @module
 */

/** @typedef {(loaded: number, total: number | null) => void} OnBytes */

export class LoadProgress {
  /** @type {Map<string, { loaded: number, total: number | null }>} */
  #files = new Map();
  #report;
  #onBytes = () => {};

  /** @param {(loaded: number, total: number) => void} report `total` is 0 until it is known for every file */
  constructor(report) {
    this.#report = report;
  }

  /**
   * The same sums, for a part of the files.
   * @param {() => void} onBytes called whenever there is news of one of these files
   */
  heard(onBytes) {
    const part = new LoadProgress(this.#report);
    part.#files = this.#files;
    part.#onBytes = onBytes;
    return part;
  }

  /**
   * Adds a file.
   * @param {string} name
   * @param {number | null} [expected] its estimated size until the server gives it
   * @returns {OnBytes}
   */
  file(name, expected = null) {
    this.#files.set(name, { loaded: 0, total: expected });
    return (loaded, total) => {
      this.#onBytes();
      this.#files.set(name, { loaded, total: total ?? expected });
      const files = [...this.#files.values()];
      const known = files.every((file) => file.total !== null);
      this.#report(
        files.reduce((sum, file) => sum + file.loaded, 0),
        known ? files.reduce((sum, file) => sum + (file.total ?? 0), 0) : 0,
      );
    };
  }
}
