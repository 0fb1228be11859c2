/**
 * The three panels, input, mask and output, and the numbers over and below them.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Pair } from "./frame_numbers.mjs" */
/** @import { Values } from "../settings/options.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { PlayerState, SourcePlayer } from "../sources/source_player.mjs" */

import { element, freshCanvas, showText } from "../page/element.mjs";
import { readText, storeText } from "../page/stored_text.mjs";
import { follow } from "../settings/bound_controls.mjs";
import { sampleShape } from "../sources/samples.mjs";
import { factsText, psnrText, Rate, speedText, updateText } from "./frame_numbers.mjs";

/** The elements that an option hides. */
const SHOWN_BY = { "show-fps": "speed", "show-gaze-ratio": "ratio", "show-psnr": "psnr" };

/** @type {Record<PlayerState, string>} */
const PLACEHOLDERS = {
  asking: "Waiting for your permission: allow it when the browser asks.",
  opening: "Opening…",
  running: "",
  paused: "",
  stopped: "No source is running.",
  "needs-file": "Open a video or a picture, or drop one here.",
};

/** The canvases of the page, for a live view. */
export function panelCanvases() {
  return {
    input: element("input", HTMLCanvasElement),
    mask: element("mask", HTMLCanvasElement),
    output: element("output", HTMLCanvasElement),
  };
}

/** Replaces the canvases, for another worker of the live view. */
export function freshPanelCanvases() {
  return { input: freshCanvas("input"), mask: freshCanvas("mask"), output: freshCanvas("output") };
}

const SHAPE_KEY = "autogaze-shape-";

/**
 * The shape that a source's frames have, or had last, as a value of `aspect-ratio`.
 * @param {string} source
 * @param {Values} values of the options
 */
function shapeOf(source, { sample }) {
  if (source === "sample") return sampleShape(String(sample));
  const shape = readText(SHAPE_KEY + source) ?? "";
  return /^\d+ \/ \d+$/.test(shape) ? shape : undefined;
}

/**
 * @param {HTMLElement} line of a caption
 * @param {Pair} texts
 */
function showPair(line, texts) {
  texts.forEach((text, index) => {
    const part = line.children[index];
    if (part) showText(part, text);
  });
}

export class Panels {
  #player;
  #maskSource;
  #panels = element("panels", HTMLElement);
  #speed = element("speed", HTMLElement);
  #ratio = element("ratio", HTMLElement);
  #psnr = element("psnr", HTMLElement);
  #facts = element("facts", HTMLElement);
  #shownRate = new Rate();
  #modelRate = new Rate();
  #gazes = 0;
  #ratioOfShape = 16 / 9;

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ view, settings, player, maskSource }) {
    this.#player = player;
    this.#maskSource = maskSource;
    view.on("frame", (report) => this.#show(report));
    view.on("redraw", (report) => this.#show(report));
    const placeholder = element("placeholder", HTMLElement);
    player.on("state", (state) => {
      placeholder.textContent = PLACEHOLDERS[state];
      const shape = shapeOf(player.name, settings.values);
      if (shape && (state === "opening" || state === "asking")) this.#setShape(shape);
    });
    player.on("opening", () => this.#reset());
    follow(settings, () => {
      for (const [option, id] of Object.entries(SHOWN_BY))
        element(id, HTMLElement).hidden = settings.values[option] === false;
      const isRebuilt = settings.values["visualization-mode"] === "interframe";
      showText(
        element("output-hint", HTMLElement),
        isRebuilt ? "Rebuilt from the patches" : "The patches highlighted",
      );
    });
  }

  /** @param {FrameReport} report */
  #show(report) {
    const { gazes } = report;
    if (gazes !== undefined && gazes > this.#gazes) this.#modelRate.add(performance.now());
    this.#gazes = gazes ?? 0;
    requestAnimationFrame((painted) => this.#shownRate.add(painted));
    this.#showShape(report);
    this.#panels.classList.add("live");
    showPair(this.#speed, speedText(this.#shownRate, gazes === undefined ? undefined : this.#modelRate));
    showPair(this.#ratio, updateText(report));
    showPair(this.#psnr, psnrText(report));
    showText(this.#facts, factsText(report, this.#player.replaced, this.#maskSource.backend));
  }

  /**
   * Gives the panels the frame's shape, unless the page would jump: while it loads, a shape that is much like the
   * present one is shown within that, and used at the next visit.
   * @param {FrameReport} report
   */
  #showShape({ width, height }) {
    const ratio = width / height / this.#ratioOfShape;
    if (ratio === 1) return;
    storeText(SHAPE_KEY + this.#player.name, `${width} / ${height}`);
    const jumps = navigator.userActivation?.hasBeenActive === false && ratio > 0.7 && ratio < 1 / 0.7;
    if (!jumps) this.#setShape(`${width} / ${height}`);
  }

  /** @param {string} shape */
  #setShape(shape) {
    const [width = 16, height = 9] = shape.split("/").map(Number);
    this.#ratioOfShape = width / height;
    this.#panels.style.setProperty("--shape", shape);
    this.#panels.style.setProperty("--ratio", String(this.#ratioOfShape));
  }

  /** Clears everything that was shown of the previous source. */
  #reset() {
    this.#panels.classList.remove("live");
    this.#shownRate = new Rate();
    this.#modelRate = new Rate();
    this.#gazes = 0;
    for (const line of [this.#speed, this.#ratio, this.#psnr]) showPair(line, ["", ""]);
    showText(this.#facts, "");
  }
}
