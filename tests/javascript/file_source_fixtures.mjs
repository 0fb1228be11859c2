/**
 * A file whose player and reader do what the test says.
 * @module
 */

import { FileSource } from "../../web/sources/file_source.mjs";

export const FRAMES = 5;
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A player that shows what the test says. */
class FakePlayer {
  duration = FRAMES / 10;
  seeking = false;
  time = 0;
  loop = false;
  playing = false;
  closed = false;
  size = { width: 8, height: 6 };
  /** @type {any} */
  events;

  /** @param {any} events */
  start(events) {
    this.events = events;
  }

  /** @param {boolean} loop */
  play(loop) {
    this.playing = true;
    this.loop = loop;
  }

  /** @param {boolean} loop */
  setLoop(loop) {
    this.loop = loop;
  }

  pause() {
    this.playing = false;
  }

  /** @param {number} time */
  seek(time) {
    this.time = time;
  }

  async capture() {
    const image = /** @type {any} */ ({ close() {} });
    return { image, ...this.size, time: this.time };
  }

  close() {
    this.closed = true;
  }
}

/** Frames a tenth of a second apart; frame 2 to 3 fail to decode while `broken` says so. */
class FakeReader {
  count = FRAMES;
  damage = "";
  broken = false;
  closed = false;
  size = { width: 8, height: 6 };

  /** @param {number} index */
  timeOf(index) {
    return index / 10;
  }

  durationOf() {
    return 0.1;
  }

  /** @param {number} time */
  indexAt(time) {
    return Math.min(FRAMES - 1, Math.floor(time * 10 + 1e-6));
  }

  /** @param {number} index @returns {Promise<any>} */
  async frame(index) {
    if (this.broken && (index === 2 || index === 3)) throw new Error("bad data");
    return { image: index, ...this.size };
  }

  /** @param {number} index */
  resumeAfter(index) {
    return index < 4 ? 4 : undefined;
  }

  close() {
    this.closed = true;
  }
}

export class TestedFile {
  player = new FakePlayer();
  reader = new FakeReader();
  /** Of the options. @type {Record<string, any>} */
  values = { "file-pace": "every-frame", "file-loop": false };
  /** What the source has said, by event. @type {Record<string, any[]>} */
  heard = { onPicture: [], onRefused: [], onFinished: [], onEnd: [] };
  /** Counts the frames. @type {(setup: any) => Promise<any>} */
  openReader = async () => this.reader;
  ratesRead = 0;
  /** @type {FileSource | undefined} */
  #source;

  /** Once it is open. */
  get source() {
    if (!this.#source) throw new Error("open the file first");
    return this.#source;
  }

  /** @param {string} [missing] what a file that was cut off lacks */
  open(missing = "") {
    const events = Object.fromEntries(
      Object.entries(this.heard).map(([name, calls]) => [
        name,
        (/** @type {any} */ said) => calls.push(said),
      ]),
    );
    const size = (/** @type {number} */ width, /** @type {number} */ height) => ({ width, height });
    const setup = /** @type {any} */ ({ size, values: this.values, events });
    this.#source = new FileSource(
      {
        name: "clip.webm",
        missing,
        player: this.player,
        openReader: (/** @type {any} */ setup) => this.openReader(setup),
        readRate: async () => ++this.ratesRead && 10,
      },
      setup,
    );
  }

  /** @returns {Promise<any>} the number of the captured frame */
  async captured() {
    return /** @type {any} */ (await this.source.capture())?.image;
  }

  /** @returns {Promise<any>} */
  async position() {
    return /** @type {any} */ (await this.source.capture())?.position;
  }
}
