/**
 * The dial: how many tokens a frame may take, or how good it has to be, with a curve of quality over tokens.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { Curve } from "./quality_curve.mjs" */

import { element, showText } from "../page/element.mjs";
import { follow } from "../settings/bound_controls.mjs";
import { asManyAsNeeded, dialKind, dialled, dialReading } from "./dial_setting.mjs";
import { curveShape } from "./quality_curve.mjs";

/** Of the released model and of the built-in one. */
const TOKENS = 265;

export class Dial {
  #settings;
  #slider = element("quality", HTMLInputElement);
  #value = element("quality-value", HTMLElement);
  #brief = element("quality-brief", HTMLElement);
  #needed = element("as-needed", HTMLInputElement);
  #curve = element("curve", HTMLElement);
  #hasModel = false;
  #all = TOKENS;
  /** What "As many tokens as it needs" replaced. @type {number | undefined} */
  #tokens;

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ view, settings, player, maskSource }) {
    this.#settings = settings;
    this.#slider.addEventListener("input", () => this.#dial(Number(this.#slider.value)));
    this.#needed.addEventListener("change", () => {
      const { values, defaults } = settings;
      if (this.#needed.checked) this.#tokens = Number(values["max-gaze-tokens-each-frame"]);
      const tokens = this.#tokens ?? Number(defaults["max-gaze-tokens-each-frame"]);
      settings.set(asManyAsNeeded(this.#needed.checked, values, defaults, tokens));
    });
    follow(settings, () => this.#show());
    maskSource.on("active", (source) => {
      this.#hasModel = source === "autogaze";
      this.#clearCurve();
      this.#show();
    });
    view.on("frame", ({ maskTiming, grids, curve }) => {
      const all = maskTiming ? grids.reduce((sum, grid) => sum + grid * grid, 0) : this.#all;
      if (all !== this.#all) {
        this.#all = all;
        this.#show();
      }
      if (curve && !this.#obstacle) this.#showCurve(curve);
    });
    player.on("opening", () => this.#clearCurve());
  }

  get #kind() {
    return dialKind(this.#settings.values, this.#hasModel);
  }

  /** Why the settings allow no curve; empty if they do. */
  get #obstacle() {
    const { values } = this.#settings;
    if (values["visualization-mode"] !== "interframe") return "Needs the output Rebuilt.";
    return values.mode === "realtime" ? "" : "Not available with tiles.";
  }

  /** @param {number} position */
  #dial(position) {
    this.#settings.set(dialled(this.#kind, position, Number(this.#settings.defaults["top-k"])));
  }

  #show() {
    const { values } = this.#settings;
    for (const id of ["quality-control", "dial-more"])
      element(id, HTMLElement).hidden = values["show-task-loss-slider"] === false;
    const kind = this.#kind;
    const { label, min, max, value, text, brief, spoken } = dialReading(values, kind, this.#all);
    Object.assign(this.#slider, { min: String(min), max: String(max), value: String(value) });
    showText(element("quality-name", HTMLElement), label);
    showText(this.#value, text);
    showText(this.#brief, brief);
    this.#slider.setAttribute("aria-valuetext", spoken);
    this.#needed.disabled = kind === "threshold";
    this.#needed.checked = kind === "requirement";
    if (this.#obstacle || !this.#curve.classList.contains("live")) this.#clearCurve();
  }

  /** @param {Curve} curve */
  #showCurve(curve) {
    const { line, x, y, text, label } = curveShape(curve, this.#all);
    this.#curve.classList.add("live");
    this.#curve.querySelector("path")?.setAttribute("d", line);
    const point = this.#curve.querySelector("circle");
    point?.setAttribute("cx", x.toFixed(1));
    point?.setAttribute("cy", y.toFixed(1));
    this.#curve.querySelector("svg")?.setAttribute("aria-label", label);
    showText(element("curve-text", HTMLElement), text);
    showText(element("curve-all", HTMLElement), `${this.#all} tokens`);
  }

  #clearCurve() {
    this.#curve.classList.remove("live");
    const reason = this.#obstacle || "Appears once AutoGaze has chosen the tokens of a frame.";
    this.#curve.querySelector("svg")?.setAttribute("aria-label", `Quality over tokens. ${reason}`);
    showText(element("curve-text", HTMLElement), reason);
  }
}
