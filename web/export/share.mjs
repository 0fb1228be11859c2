/**
 * The button "Share": a link to the page as it is, and a clip of five seconds with the headline below the pictures.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { RecordingFormat } from "./recording_protocol.mjs" */

import { copyFrom } from "../page/copy_text.mjs";
import { element, showText } from "../page/element.mjs";
import { messageOf } from "../page/notice.mjs";
import { credits } from "./credits.mjs";
import { writableFormats } from "./formats.mjs";
import { Recording } from "./recording.mjs";
import { fileName, save, sizeText } from "./saved_files.mjs";

const CLIP_MS = 5000;

/** What a link cannot carry. @type {Record<string, string>} */
const PRIVATE = {
  file: "Your video stays on this machine: whoever opens the link chooses one.",
  image: "Your picture stays on this machine: whoever opens the link chooses one.",
  camera: "Whoever opens it is asked for their own camera.",
  screen: "Whoever opens it is asked for their own screen.",
};

export class Share {
  #view;
  #settings;
  #player;
  #dialog = element("share", HTMLDialogElement);
  #link = element("share-link", HTMLInputElement);
  #record = element("share-record", HTMLButtonElement);
  #progress = element("share-progress", HTMLProgressElement);
  #preview = element("share-preview", HTMLVideoElement);
  #save = element("share-save", HTMLButtonElement);
  #send = element("share-send-clip", HTMLButtonElement);
  #status = element("share-status", HTMLElement);
  /** @type {Recording | undefined} */
  #recording;
  /** @type {File | undefined} */
  #clip;
  #isPreparing = false;

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer }} page */
  constructor({ view, settings, player }) {
    this.#view = view;
    this.#settings = settings;
    this.#player = player;
    element("share-open", HTMLButtonElement).addEventListener("click", () => this.#open());
    element("share-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#recording?.cancel();
      this.#preview.pause();
    });
    element("share-copy", HTMLButtonElement).addEventListener("click", () => this.#copy());
    const sendLink = element("share-send-link", HTMLButtonElement);
    sendLink.hidden = !("share" in navigator);
    sendLink.addEventListener("click", () => this.#share({ title: document.title, url: this.#link.value }));
    this.#record.addEventListener("click", () => (this.#recording ? this.#recording.cancel() : this.#make()));
    this.#save.addEventListener("click", () => this.#clip && save(this.#clip, this.#clip.name));
    this.#send.addEventListener("click", () => this.#clip && this.#share({ files: [this.#clip] }));
    view.on("restart", () => this.#recording?.cancel());
    player.on("state", () => this.#recording?.pause(player.state !== "running"));
  }

  #open() {
    this.#link.value = this.#settings.link;
    const { source } = this.#settings.values;
    const isPublic = !this.#player.isPrivate;
    showText(element("share-private", HTMLElement), isPublic ? "" : (PRIVATE[String(source)] ?? ""));
    this.#showStatus("");
    this.#dialog.showModal();
  }

  async #copy() {
    const copied = await copyFrom(this.#link, this.#link.value);
    this.#showStatus(
      copied
        ? "The link was copied."
        : "The browser did not let the page copy: copy the link from the field.",
    );
  }

  async #make() {
    if (this.#isPreparing) return;
    if (this.#player.state !== "running") {
      this.#showStatus("Nothing is playing: close this, press Start, and share again.");
      return;
    }
    const format = await this.#chooseFormat();
    if (!this.#dialog.open) return;
    this.#showClip(undefined);
    this.#showRecording(true);
    try {
      this.#recording = new Recording(this.#view, "panels", format, {
        maxMs: CLIP_MS,
        credits: { ...credits(), caption: true },
      });
      this.#recording.onProgress = ({ milliseconds }) => {
        this.#progress.value = milliseconds / 1000;
      };
      const finished = await this.#recording.finished;
      if (finished) this.#showClip(finished.blob, format);
      this.#showStatus(finished ? `The clip is ready (${sizeText(finished.blob.size)}).` : "");
    } catch (error) {
      this.#showStatus(messageOf(error));
    }
    this.#recording = undefined;
    this.#showRecording(false);
  }

  /** @returns {Promise<RecordingFormat>} */
  async #chooseFormat() {
    this.#isPreparing = true;
    try {
      return (await writableFormats()).mp4 ? "mp4" : "gif";
    } finally {
      this.#isPreparing = false;
    }
  }

  /** @param {boolean} recording */
  #showRecording(recording) {
    this.#record.textContent = recording ? "Cancel" : this.#clip ? "Make another" : "Make a clip";
    this.#record.classList.toggle("primary", !recording && !this.#clip);
    this.#progress.hidden = !recording;
    this.#progress.value = 0;
    if (recording) this.#showStatus("Recording five seconds…");
  }

  /**
   * @param {Blob | undefined} blob
   * @param {RecordingFormat} [format]
   */
  #showClip(blob, format = "mp4") {
    if (this.#preview.src) URL.revokeObjectURL(this.#preview.src);
    this.#preview.removeAttribute("src");
    this.#clip = blob && new File([blob], fileName("clip", format), { type: blob.type });
    const isVideo = this.#clip !== undefined && format !== "gif";
    this.#preview.hidden = !isVideo;
    if (isVideo && blob) {
      this.#preview.src = URL.createObjectURL(blob);
      // With reduced motion it waits for a press of its own button.
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.#preview.play().catch(() => {});
    }
    this.#save.hidden = !this.#clip;
    this.#save.classList.toggle("primary", this.#clip !== undefined);
    this.#send.hidden = !this.#clip || !navigator.canShare?.({ files: [this.#clip] });
  }

  /** @param {ShareData} data */
  async #share(data) {
    try {
      await navigator.share(data);
    } catch (error) {
      const isCancelled = error instanceof DOMException && error.name === "AbortError";
      if (!isCancelled) this.#showStatus(`The browser did not share it (${messageOf(error)}).`);
    }
  }

  /** @param {string} sentence */
  #showStatus(sentence) {
    showText(this.#status, sentence);
  }
}
