/**
 * The feature "Export": pictures, recordings, traces and numbers as files.
 * @module
 */

/** @import { FileKind, FrameReport, LiveView, PictureChoice } from "../../wasm_bridge/autogaze.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { FinishedRecording, RecordingFormat, RecordingProgress } from "./recording_protocol.mjs" */

import { element, showText } from "../page/element.mjs";
import { showError } from "../page/notice.mjs";
import { counted } from "../page/number_text.mjs";
import { shareOf, shareText } from "../page/token_count.mjs";
import { credits } from "./credits.mjs";
import { writableFormats } from "./formats.mjs";
import { addGazeFiles } from "./gaze_files.mjs";
import { withTexts } from "./png_text.mjs";
import { MAX_RECORDING_BYTES, Recording } from "./recording.mjs";
import { fileName, save, sizeText } from "./saved_files.mjs";

/** @type {Record<FileKind, { what: string, suffix: string, type: string }>} */
const FILES = {
  trace: { what: "trace", suffix: "json", type: "application/json" },
  metrics: { what: "metrics", suffix: "csv", type: "text/csv" },
  safetensors: { what: "fixations", suffix: "safetensors", type: "application/octet-stream" },
  store: { what: "fixations", suffix: "json", type: "application/json" },
};

export class ExportPanel {
  #view;
  #player;
  #choice = element("export-choice", HTMLSelectElement);
  #format = element("export-format", HTMLSelectElement);
  #record = element("export-record", HTMLButtonElement);
  #cancel = element("export-cancel", HTMLButtonElement);
  #progress = element("export-progress", HTMLElement);
  #hint = element("export-hint", HTMLElement);
  #initialHint = this.#hint.textContent;
  #frames = element("export-frames", HTMLElement);
  #status = element("export-status", HTMLElement);
  /** @type {NodeListOf<HTMLButtonElement>} */
  #files = document.querySelectorAll("#feature-export [data-file]");
  /** @type {Recording | undefined} */
  #recording;
  /** The newest frame's. @type {FrameReport | undefined} */
  #report;

  /** @param {{ view: LiveView, player: SourcePlayer }} page */
  constructor({ view, player }) {
    this.#view = view;
    this.#player = player;
    view.on("frame", (report) => this.#enableFiles(report));
    view.on("redraw", (report) => this.#enableFiles(report));
    // A recording of the old worker's pictures ends with them.
    view.on("restart", () => this.#recording && this.#stop());
    player.on("state", () => this.#recording?.pause(this.#isPaused));
    element("export-picture", HTMLButtonElement).addEventListener("click", () => this.#savePicture());
    this.#record.addEventListener("click", () => (this.#recording ? this.#stop() : this.#start()));
    this.#cancel.addEventListener("click", () => this.#recording?.cancel());
    for (const button of this.#files) {
      button.addEventListener("click", () => this.#saveFile(/** @type {FileKind} */ (button.dataset.file)));
    }
    addGazeFiles(view, {
      save: (blob, { what, suffix }) => this.#save(blob, fileName(what, suffix)),
      attempt: (task) => this.#try(task),
    });
    const feature = element("feature-export", HTMLDetailsElement);
    feature.addEventListener("toggle", () => this.#offerFormats(), { once: true });
  }

  /** Whether the source produces no frames. */
  get #isPaused() {
    return this.#player.state !== "running";
  }

  /** @param {FrameReport} report */
  #enableFiles(report) {
    this.#report = report;
    showText(this.#frames, String(report.recorded));
    for (const button of this.#files) button.disabled = false;
  }

  async #savePicture() {
    const choice = /** @type {PictureChoice} */ (this.#choice.value);
    await this.#try(async () => {
      const { title, address } = credits();
      const share = this.#report && shareOf(this.#report);
      const texts = { Title: title, ...(share && { Description: shareText(share) }), Comment: address };
      this.#save(withTexts(await this.#view.picture(choice), texts), fileName(choice, "png"));
    });
  }

  /** @param {FileKind} kind */
  async #saveFile(kind) {
    const { what, suffix, type } = FILES[kind];
    await this.#try(async () => {
      const { title, playback } = this.#player;
      const framesPerSecond = (await playback?.framesPerSecond()) ?? null;
      const { width = 0, height = 0 } = this.#report ?? {};
      const bytes = await this.#view.file(kind, { name: title, width, height, framesPerSecond });
      this.#save(new Blob([bytes], { type }), fileName(what, suffix));
    });
  }

  async #start() {
    const choice = /** @type {PictureChoice} */ (this.#choice.value);
    const format = /** @type {RecordingFormat} */ (this.#format.value);
    const { checked: caption } = element("export-caption", HTMLInputElement);
    this.#player.holdSize(true);
    await this.#try(async () => {
      const recording = new Recording(this.#view, choice, format, { credits: { ...credits(), caption } });
      this.#recording = recording;
      recording.onProgress = (progress) => this.#show(progress);
      recording.pause(this.#isPaused);
      this.#showState(true);
      this.#show({ frames: 0, milliseconds: 0, bytes: 0 });
      this.#status.textContent = "Recording. Pausing the source pauses it too.";
      const finished = await recording.finished;
      if (finished) this.#saveRecording(finished, choice, format);
      else this.#status.textContent = "The recording was cancelled.";
    });
    this.#recording = undefined;
    this.#player.holdSize(false);
    this.#showState(false);
  }

  #stop() {
    this.#record.disabled = true;
    this.#status.textContent = "Finishing the recording…";
    this.#recording?.finish();
  }

  /**
   * @param {FinishedRecording} finished
   * @param {PictureChoice} choice
   * @param {RecordingFormat} format
   */
  #saveRecording({ blob, frames, milliseconds, full }, choice, format) {
    const why = full ? `The recording reached its limit of ${sizeText(MAX_RECORDING_BYTES)}. ` : "";
    const seconds = (milliseconds / 1000).toFixed(1);
    this.#save(blob, fileName(choice, format), `${why}${counted(frames, "frame")}, ${seconds} s. `);
  }

  /**
   * @param {Blob} blob
   * @param {string} name
   * @param {string} [more]
   */
  #save(blob, name, more = "") {
    save(blob, name);
    this.#status.textContent = `${more}Saved ${name} (${sizeText(blob.size)}).`;
  }

  /** @param {RecordingProgress} progress */
  #show({ frames, milliseconds, bytes }) {
    const text = `${(milliseconds / 1000).toFixed(1)} s · ${counted(frames, "frame")} · ${sizeText(bytes)}`;
    this.#progress.textContent = text;
    this.#hint.textContent = `recording ${text}`;
  }

  /** @param {boolean} recording */
  #showState(recording) {
    this.#record.disabled = false;
    this.#record.textContent = recording ? "Stop and save" : "Record";
    this.#cancel.hidden = !recording;
    this.#choice.disabled = this.#format.disabled = recording;
    if (recording) return;
    this.#progress.textContent = "";
    this.#hint.textContent = this.#initialHint;
  }

  /** Disables the formats that this browser cannot write. */
  async #offerFormats() {
    const offered = await writableFormats();
    const { webm: encodes, mp4 } = offered;
    for (const option of this.#format.options) {
      option.disabled = !offered[/** @type {RecordingFormat} */ (option.value)];
      if (option.disabled) option.textContent += " (not in this browser)";
    }
    this.#format.dataset.offered = "known";
    if (!encodes) this.#format.value = "gif";
    if (encodes && !mp4)
      this.#status.textContent = "This browser cannot write MP4: recordings are WebM, which browsers play.";
    if (!encodes) this.#status.textContent = "This browser cannot write videos: recordings are GIFs.";
  }

  /** @param {() => Promise<void>} task */
  async #try(task) {
    try {
      await task();
    } catch (error) {
      this.#status.textContent = "";
      showError(error);
    }
  }
}
