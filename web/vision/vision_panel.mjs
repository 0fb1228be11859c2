/**
 * The view "What a vision model sees": runs the encoder while it is shown, and shows what comes of it.
 * @module
 */

/** @import { EncodedFrame, EncoderStart, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element, showText } from "../page/element.mjs";
import { ThrottledDraw } from "../page/throttled_draw.mjs";
import { showRows } from "./table_rows.mjs";
import {
  hintText,
  keyframeText,
  netRows,
  projectionRow,
  psnrText,
  seenText,
  similarityText,
  verdictText,
  waitingText,
} from "./vision_texts.mjs";

const INVITATION = "Loads about 6 MB from this site, and AutoGaze if it is not loaded yet.";

export class VisionPanel {
  #view;
  #settings;
  #player;
  #maskSource;
  #feature = element("feature-vision", HTMLDetailsElement);
  #run = element("vision-run", HTMLButtonElement);
  #full = element("vision-full", HTMLInputElement);
  #sentence = element("vision-sentence", HTMLElement);
  #introduction = this.#sentence.textContent ?? "";
  #status = element("vision-status", HTMLElement);
  #hint = element("vision-hint", HTMLElement);
  #invitation = this.#hint.textContent ?? "";
  #shown = element("vision-shown", HTMLElement);
  #draw = new ThrottledDraw(() => this.#showNumbers());
  #wanted = false;
  #running = false;
  #ready = false;
  /** Whether the user asked for the pictures and has not seen one since. */
  #asked = false;
  #shape = "";
  /** What did not go as usual. */
  #notes = "";
  /** @type {EncodedFrame | undefined} */
  #newest;

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ view, settings, player, maskSource }) {
    this.#view = view;
    this.#settings = settings;
    this.#player = player;
    this.#maskSource = maskSource;
    this.#run.addEventListener("click", () => this.#setWanted(!this.#wanted));
    this.#run.disabled = false; // a click before would be lost
    this.#full.addEventListener("change", () => this.#running && this.#start());
    this.#feature.addEventListener("toggle", () => this.#follow());
    view.on("encoder-progress", ({ loaded, total }) => {
      // Not in the status, which is read out.
      const bytes = total > 0 ? `${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB` : "";
      if (!this.#ready) showText(this.#hint, bytes);
    });
    view.on("encoder-ready", ({ backend, notes }) => {
      if (!this.#running) return;
      this.#ready = true;
      showText(element("vision-facts", HTMLElement), `The model runs on ${backend}.`);
      this.#notes = notes.join(" ");
      this.#clear();
    });
    view.on("encoder-failed", ({ message }) => {
      this.#setWanted(false);
      showText(this.#status, message);
    });
    view.on("encoder-frame", (frame) => this.#show(frame));
    view.on("frame", ({ width, height }) => this.#fit(`${width} / ${height}`));
    view.on("restart", () => {
      this.#running = this.#ready = false;
      this.#clear();
      this.#follow();
    });
    for (const event of /** @type {const} */ (["chosen", "active"]))
      maskSource.on(event, () => this.#followGazes());
    settings.on("change", (names) => {
      if (names.includes("backend")) this.#restart();
      this.#followGazes();
    });
    player.on("opening", () => this.#clear());
  }

  /** @param {boolean} wanted */
  #setWanted(wanted) {
    this.#wanted = wanted;
    this.#run.textContent = wanted ? "Stop" : "Show what it sees";
    this.#shown.hidden = !wanted;
    this.#asked = wanted;
    if (wanted) this.#settings.set({ "mask-source": "autogaze" });
    this.#follow();
    if (!wanted) showText(this.#status, INVITATION);
  }

  /** Runs the encoder while it is wanted and the feature is open. */
  #follow() {
    const runs = this.#wanted && this.#feature.open;
    if (runs === this.#running) return;
    this.#running = runs;
    this.#ready = false;
    if (runs) this.#start();
    else {
      this.#view.stopEncoder();
      this.#clear();
    }
  }

  /** Loads the encoder again, with other options. */
  #restart() {
    if (!this.#running) return;
    this.#view.stopEncoder();
    this.#ready = false;
    this.#clear();
    this.#start();
  }

  #start() {
    const { backend } = /** @type {{ backend: EncoderStart["backend"] }} */ (this.#settings.values);
    this.#view.startEncoder({ full: this.#full.checked, backend });
    this.#shown.classList.toggle("with-all", this.#full.checked);
    this.#wait();
  }

  #clear() {
    this.#newest = undefined;
    showText(this.#hint, this.#invitation);
    showText(this.#sentence, this.#introduction);
    for (const id of ["vision-gazed", "vision-similarity", "vision-psnr"])
      showText(element(id, HTMLElement), "–");
    this.#showBalance("", [], []);
    for (const canvas of this.#shown.querySelectorAll("canvas"))
      canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
    this.#wait();
  }

  /** Whether AutoGaze chooses patches of whole frames, which alone are encoded. */
  get #gazes() {
    return this.#settings.values.mode === "realtime" && this.#maskSource.backend !== "";
  }

  /** Once there are no such gazes any more, what is shown would be old. */
  #followGazes() {
    if (this.#newest && !this.#gazes) this.#clear();
    else this.#wait();
  }

  /** Says what it waits for, until there is a frame. */
  #wait() {
    if (!this.#running || this.#newest) return;
    const { mode } = this.#settings.values;
    const { chosen, backend } = this.#maskSource;
    showText(this.#status, waitingText({ mode, chosen, gazes: backend !== "", ready: this.#ready }));
  }

  /** The model's pictures are square; they are shown in the shape of the frame. @param {string} shape */
  #fit(shape) {
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#shown.style.setProperty("--shape", shape);
  }

  /** @param {EncodedFrame} frame */
  #show(frame) {
    // Of an encoder that was stopped, or of gazes that have ended, frames may still be on their way.
    if (!this.#ready || !this.#gazes) return;
    if (!this.#newest) showText(this.#status, this.#notes);
    this.#newest = frame;
    paint("vision-rebuilt", frame.rebuilt);
    paint("vision-colours", frame.colours);
    paint("vision-full-rebuilt", frame.fullRebuilt);
    paint("vision-full-colours", frame.fullColours);
    this.#draw.request();
    if (!this.#asked) return;
    this.#asked = false;
    // On a phone they begin below what is to be seen of the drawer.
    this.#shown.firstElementChild?.scrollIntoView({ block: "nearest" });
  }

  #showNumbers() {
    const frame = this.#newest;
    if (!frame) return;
    const { vision, tokens, keyframe } = frame;
    const count = tokens.length;
    showText(this.#sentence, seenText(count, vision, keyframe));
    showText(this.#hint, hintText(count, vision));
    showText(element("vision-gazed", HTMLElement), String(count));
    showText(element("vision-patches", HTMLElement), String(vision.patches));
    showText(element("vision-similarity", HTMLElement), similarityText(vision));
    showText(element("vision-psnr", HTMLElement), psnrText(vision));
    const { net, projections = [] } = vision;
    if (net)
      this.#showBalance(verdictText(net), netRows(count, { ...vision, net }), projections.map(projectionRow));
    else this.#showBalance(keyframe ? keyframeText(this.#player.name === "image") : "", [], []);
  }

  /**
   * @param {string} verdict
   * @param {ReturnType<typeof netRows>} net the last one is the sum
   * @param {ReturnType<typeof projectionRow>[]} projections
   */
  #showBalance(verdict, net, projections) {
    showText(element("vision-verdict", HTMLElement), verdict);
    showRows(
      "vision-net",
      net.map(({ name, gazed, all }, row) => ({ name, total: row === net.length - 1, cells: [gazed, all] })),
    );
    showRows(
      "vision-projections",
      projections.map(({ name, detail, gazed, all, saved }) => ({
        name,
        detail,
        cells: [gazed, all, saved],
      })),
    );
  }
}

/**
 * @param {string} id of a canvas
 * @param {Uint8ClampedArray<ArrayBuffer> | null | undefined} pixels of a square picture
 */
function paint(id, pixels) {
  if (!pixels) return;
  const canvas = element(id, HTMLCanvasElement);
  const side = Math.round(Math.sqrt(pixels.length / 4));
  if (canvas.width !== side) canvas.width = canvas.height = side;
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, side, side), 0, 0);
}
