/**
 * A file as a source of frames: in real time by a player, or each frame by its number.
 *
 * In real time the player is the clock, and frames that cannot be processed in time are skipped. With
 * `file-pace=every-frame` and for single steps a reader decodes the frames one by one, each when the previous
 * one is finished.
 * @module
 */

/** @import { FilePosition, PictureFrame } from "../../wasm_bridge/autogaze.mjs" */
/** @import { OpenedFile, Reader } from "./opened_file.mjs" */
/** @import { Source, SourceSetup } from "./source.mjs" */

import { counted } from "../page/number_text.mjs";
import { ReaderOpening } from "./reader_opening.mjs";

const CANCELLED =
  "Counting the frames was cancelled: press Start to count them again, or play the file in real time.";

/** @implements {Source} */
export class FileSource {
  /** Called when the position in the file or what is known of the file has changed. @type {() => void} */
  onChange = () => {};

  #file;
  #setup;
  #player;
  #running = false;
  #closed = false;
  #time = 0;
  /** The frame to show next, if one was requested. @type {number | undefined} */
  #requested;
  /** @type {number | undefined} of the last frame captured by number */
  #index;
  #opening;
  #damage = "";
  /** @type {Promise<number | null> | undefined} */
  #rate;
  /** Of the first picture. @type {{ width: number, height: number } | undefined} */
  #shape;
  /** Of the last captured frame. @type {FilePosition | undefined} */
  #last;
  #jumped = false;

  /**
   * @param {OpenedFile} file
   * @param {SourceSetup} setup
   */
  constructor(file, setup) {
    this.#file = file;
    this.#setup = setup;
    this.#player = file.player;
    this.#opening = new ReaderOpening(file, {
      onProgress: () => this.onChange(),
      onCancelled: () => {
        this.#requested = undefined;
        this.pause();
        setup.events.onRefused(CANCELLED);
      },
      onProblem: () => {
        if (this.#running) this.resume();
      },
    });
    if (file.missing) this.#damage = `"${file.name}" is cut off: ${file.missing}.`;
    const { events } = setup;
    this.#player.start({
      onPicture: (time) => this.#pictureOfPlayer(time),
      onEnded: () => this.#finish(),
      onBroken: () => {
        if (file.missing) this.#finish();
        else events.onEnd(`"${file.name}" broke off: the rest of the file cannot be read.`);
      },
      onRefused: events.onRefused,
    });
    this.resume();
  }

  get playback() {
    return this;
  }

  /** The name of the file. */
  get title() {
    return this.#file.name;
  }

  /** In seconds; 0 while unknown. */
  get duration() {
    const { duration } = this.#player;
    return Number.isFinite(duration) ? duration : (this.#reader?.timeOf(this.#reader.count - 1) ?? 0);
  }

  /** The position in the file, in seconds. */
  get time() {
    return this.#time;
  }

  /** The number of the frame, from 0; undefined until frames are counted. */
  get index() {
    return this.#reader && Math.max(0, this.#index ?? this.#reader.indexAt(this.#time));
  }

  /** The number of frames; undefined until they are counted. */
  get count() {
    return this.#reader?.count;
  }

  /** How far the frames are counted, while they are. */
  get counting() {
    return this.#opening.counting;
  }

  /** Why single frames are unavailable; empty if they are not. */
  get problem() {
    return this.#opening.problem;
  }

  /** What of the file cannot be shown, in one sentence; empty if all can. */
  get damage() {
    return this.#damage;
  }

  /** Frames per second on average; null if the file states none. */
  framesPerSecond() {
    this.#rate ??= this.#file.readRate();
    return this.#rate;
  }

  /** Whether it is played frame by frame, not in real time. */
  get everyFrame() {
    return this.#setup.values["file-pace"] === "every-frame" && !this.problem;
  }

  get #reader() {
    return this.#opening.reader;
  }

  get #loops() {
    return this.#setup.values["file-loop"] === true;
  }

  /** @returns {Promise<PictureFrame | null>} */
  async capture() {
    const framewise = this.#requested !== undefined || (this.#running && this.everyFrame);
    if (!framewise) return this.#index === undefined ? this.#capturePlayer() : null;
    const reader = await this.#openReader();
    const index = reader && (this.#requested ?? this.#nextIndex(reader));
    return reader && index !== undefined ? this.#captureFrame(reader, index) : null;
  }

  resume() {
    this.#running = true;
    if (this.everyFrame) {
      this.#player.pause();
      if (this.#index !== undefined && this.#index + 1 === this.#reader?.count) this.#index = -1;
      this.#setup.events.onPicture();
      return;
    }
    if (this.#index !== undefined) this.#player.seek(this.#time);
    this.#index = undefined;
    this.#player.play(this.#loops);
  }

  pause() {
    this.#running = false;
    this.#player.pause();
  }

  /** Follows the options of files after they have changed. */
  configure() {
    this.#player.setLoop(this.#loops);
    if (this.#running) this.resume();
  }

  /**
   * Shows another frame. The player has to be paused first.
   * @param {number} frames to go, negative for back
   */
  async step(frames) {
    const reader = await this.#openReader();
    if (!reader) return;
    if (frames !== 1) this.#jumped = true;
    this.#request((this.#requested ?? this.index ?? 0) + frames);
  }

  /**
   * Shows the frame at a time.
   * @param {number} time in seconds
   */
  async seek(time) {
    this.#jumped = true;
    // At once, however long the picture takes.
    this.#setPosition(time, this.#index);
    if (this.#running && !this.everyFrame) {
      this.#player.seek(time);
      return;
    }
    const reader = await this.#openReader();
    if (reader) this.#request(reader.indexAt(time));
    else this.#player.seek(time);
  }

  /**
   * Shows a frame.
   * @param {number} index
   */
  async show(index) {
    if (!(await this.#openReader())) return;
    this.#jumped = true;
    this.#request(index);
  }

  /** Stops counting the frames; the file can be played in real time, or counted anew. */
  cancelCounting() {
    this.#opening.cancel();
  }

  close() {
    this.#closed = true;
    this.#player.close();
    this.#opening.close();
  }

  /** @param {number} index */
  #request(index) {
    const last = (this.#reader?.count ?? 1) - 1;
    this.#requested = Math.min(Math.max(index, 0), last);
    if (this.#reader) this.#setPosition(this.#reader.timeOf(this.#requested), this.#requested);
    this.#setup.events.onPicture();
  }

  /** @returns {Promise<PictureFrame | null>} */
  async #capturePlayer() {
    const picture = await this.#player.capture();
    if (!picture) return null;
    const { time, ...frame } = picture;
    // A player that runs reports some pictures twice.
    if (this.#running && time === this.#last?.time && !this.#jumped) {
      frame.image.close();
      return null;
    }
    const jump = this.#jumped;
    if (!this.#player.seeking) this.#jumped = false;
    return { ...frame, ...this.#sizeOf(frame), position: this.#positionOf({ time, jump }) };
  }

  /**
   * @param {Reader} reader
   * @param {number} index
   * @returns {Promise<PictureFrame | null>}
   */
  async #captureFrame(reader, index) {
    const { events } = this.#setup;
    let next = index;
    try {
      const frame = await reader.frame(index);
      const jump = this.#jumped;
      this.#jumped = false;
      const [time, duration] = [reader.timeOf(index), reader.durationOf(index)];
      return { ...frame, ...this.#sizeOf(frame), position: this.#positionOf({ time, duration, jump }) };
    } catch (error) {
      if (!this.#closed) next = this.#passDamage(reader, index, error);
      return null;
    } finally {
      if (this.#requested === index) this.#requested = undefined;
      // A frame that was requested meanwhile has the position already.
      if (!this.#closed && this.#requested === undefined) this.#setPosition(reader.timeOf(next), next);
      if (this.#running || this.#requested !== undefined) events.onPicture();
    }
  }

  /**
   * A frame cannot be decoded: a file that plays goes on behind the damage.
   * @param {Reader} reader
   * @param {number} index
   * @param {unknown} error
   * @returns {number} the number of the frame up to which the file is done with
   */
  #passDamage(reader, index, error) {
    const reason = error instanceof Error ? error.message : error;
    const { name } = this.#file;
    if (!this.#running) {
      const sentence = `Frame ${index + 1} of "${name}" cannot be decoded (${reason}): step over it.`;
      this.#setup.events.onRefused(sentence);
      return index;
    }
    this.#damage ||= `"${name}" is damaged after ${counted(index, "frame")} (${reason}): what can be decoded is shown.`;
    return (reader.resumeAfter(index) ?? reader.count) - 1;
  }

  /**
   * The size at which a frame is processed. Where the picture's size changes within the file, later frames are scaled
   * to that of the first one, as on the command line, so that their stream and its trace go on.
   * @param {{ width: number, height: number }} frame as displayed
   */
  #sizeOf({ width, height }) {
    this.#shape ??= { width, height };
    return this.#setup.size(this.#shape.width, this.#shape.height);
  }

  /**
   * @param {{ time: number, duration?: number | undefined, jump: boolean }} frame
   * @returns {FilePosition}
   */
  #positionOf({ time, duration, jump }) {
    const last = this.#last;
    const startsOver = last !== undefined && !jump && time < last.time;
    const loop = (last?.loop ?? 0) + Number(startsOver);
    this.#last = { time, loop, jump, ...(duration === undefined ? {} : { duration }) };
    return this.#last;
  }

  /**
   * The index of the next frame, or of the current one if the player was playing until now.
   * @param {Reader} reader
   */
  #nextIndex(reader) {
    if (this.#index === undefined) {
      // The clock of a <video> may start behind the first frame: Chromium adds negative composition offsets to it.
      return this.#last || this.#jumped ? reader.indexAt(this.#time) : 0;
    }
    if (this.#index + 1 < reader.count) return this.#index + 1;
    if (this.#loops && reader.count > 1) return 0;
    this.#finish();
    return undefined;
  }

  #finish() {
    this.#running = false;
    this.#setup.events.onFinished();
  }

  /** @param {number} time of a picture that the player shows */
  #pictureOfPlayer(time) {
    if (this.everyFrame && this.#running) return;
    if (this.#requested !== undefined || this.#index !== undefined) return;
    // A player that is on its way elsewhere may still report what it showed before.
    if (!this.#player.seeking) this.#setPosition(time, undefined);
    this.#setup.events.onPicture();
  }

  /**
   * @param {number} time
   * @param {number | undefined} index
   */
  #setPosition(time, index) {
    this.#time = time;
    this.#index = index;
    this.onChange();
  }

  /** Opens the file for reading frame by frame; one that does not allow it plays in real time. */
  async #openReader() {
    if (this.#reader) return this.#reader;
    const reader = await this.#opening.open();
    if (this.#closed) return undefined;
    if (reader?.damage) this.#damage = `"${this.#file.name}" ${reader.damage}.`;
    this.onChange();
    return reader;
  }
}
