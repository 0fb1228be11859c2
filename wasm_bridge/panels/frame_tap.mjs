/**
 * Hands a picture of every processed frame to a recording. Without room for another one the next frame waits, so
 * no frame is left out and no pictures pile up.
 * @module
 */

import { drawPicture } from "./panel_picture.mjs";
import { RecordingClock } from "./recording_clock.mjs";

/** @import { PanelCanvases, PictureChoice } from "./panel_picture.mjs" */
/** @import { FilePosition } from "./recording_clock.mjs" */

/**
 * What a recording says to the worker that hands it pictures: how many more it has room for, whether the source
 * is paused, or that it is over. The answers' times are in milliseconds; `duration` is there where the file says it,
 * `numbers` are those of the frame.
 * @typedef {{ room: number } | { paused: boolean } | { ended: true }} FromRecording
 * @typedef {{ maskTiming?: "own" | "newest", tokens?: number, tiles?: number, cells: number, grids: number[] }} FrameNumbers
 * @typedef {{ image: ImageBitmap, time: number, duration?: number, numbers: FrameNumbers }} ToRecording
 */

export class FrameTap {
  #port;
  #choice;
  #room = 0;
  #ended = false;
  #clock = new RecordingClock();
  #canvas = new OffscreenCanvas(1, 1);
  #wake = () => {};

  /**
   * @param {MessagePort} port of the recording, which tells how many pictures it has room for
   * @param {PictureChoice} choice
   */
  constructor(port, choice) {
    this.#port = port;
    this.#choice = choice;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  /** Whether the recording is over. */
  get ended() {
    return this.#ended;
  }

  /** Hands over no more, whatever the recording says. */
  end() {
    this.#ended = true;
    this.#port.close();
    this.#wake();
  }

  /**
   * Hands over what the panels show now, as soon as there is room.
   * @param {PanelCanvases} panels
   * @param {FilePosition | undefined} position of the frame, if it comes from a file
   * @param {FrameNumbers} numbers of the frame
   */
  async take(panels, position, { maskTiming, tokens, tiles, cells, grids }) {
    const time = this.#clock.next(position);
    while (this.#room === 0 && !this.#ended) {
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
      });
    }
    if (this.#ended) return;
    this.#room -= 1;
    drawPicture(this.#canvas, panels, this.#choice);
    const image = this.#canvas.transferToImageBitmap();
    const duration = position?.duration && position.duration * 1000;
    const numbers = { maskTiming, tokens, tiles, cells, grids };
    this.#port.postMessage({ image, time, duration, numbers }, [image]);
  }

  /** @param {FromRecording} message */
  #receive(message) {
    if ("room" in message) this.#room += message.room;
    else if ("paused" in message) this.#clock.pause(message.paused);
    else this.end();
    this.#wake();
  }
}
