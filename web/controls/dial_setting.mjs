/**
 * What the dial sets and says: the threshold of patch-diff, the tokens of a frame, or the quality at which AutoGaze
 * stops.
 * @module
 */

/** @import { Values } from "../settings/options.mjs" */

/** @typedef {"threshold" | "tokens" | "requirement"} DialKind */

const LIMIT = "max-gaze-tokens-each-frame";
const REQUIREMENT = "task-loss-requirement";
const THRESHOLD = "patch-diff-threshold";

/**
 * @param {Values} values of the options
 * @param {boolean} hasModel whether AutoGaze chooses the cells
 * @returns {DialKind}
 */
export function dialKind(values, hasModel) {
  if (!hasModel) return "threshold";
  return values[LIMIT] === 0 ? "requirement" : "tokens";
}

/**
 * What the dial shows.
 * @param {Values} values of the options
 * @param {DialKind} kind
 * @param {number} all tokens that a frame or tile can have
 * @returns {{ label: string, min: number, max: number, value: number, text: string, brief: string, spoken: string }} `text` fits
 *   one line, `brief` a phone's; screen readers say `spoken`
 */
export function dialReading(values, kind, all) {
  if (kind === "tokens") {
    const limit = Math.min(Math.max(Number(values[LIMIT]), Number(values["top-k"])), all);
    const stops = values[REQUIREMENT] !== "off";
    const text = `${stops ? "up to " : ""}${limit} of ${all}`;
    const more = stops ? `, fewer once the loss is ${Number(values[REQUIREMENT]).toFixed(2)}` : "";
    const label = values.mode === "realtime" ? "Tokens per frame" : "Tokens per tile";
    const brief = `${stops ? "≤ " : ""}${limit}`;
    return { label, min: 1, max: all, value: limit, text, brief, spoken: text + more };
  }
  const set = values[kind === "threshold" ? THRESHOLD : REQUIREMENT];
  const threshold = set === "off" ? 0 : Number(set);
  const quality = Math.round((1 - threshold) * 100);
  const bound = `${kind === "threshold" ? "changes above" : "until the loss is"} ${threshold.toFixed(2)}`;
  const effect = set === "off" ? "up to the model's limit" : bound;
  const text = `${quality} %, ${effect}`;
  return { label: "Quality", min: 0, max: 100, value: quality, text, brief: `${quality} %`, spoken: text };
}

/**
 * The options for a position of the dial. A number of tokens is exact: no frame stops before it.
 * @param {DialKind} kind
 * @param {number} position
 * @param {number} floor default of `top-k`, below which it keeps the limit from falling
 * @returns {Values}
 */
export function dialled(kind, position, floor) {
  if (kind === "tokens")
    return { [LIMIT]: position, [REQUIREMENT]: "off", "top-k": Math.min(position, floor) };
  return { [kind === "threshold" ? THRESHOLD : REQUIREMENT]: (100 - position) / 100 };
}

/**
 * The options with which a frame has as many tokens as it needs, or a number of tokens again.
 * @param {boolean} wanted
 * @param {Values} values of the options
 * @param {Values} defaults of the options
 * @param {number} tokens for each frame if they are not wanted
 * @returns {Values}
 */
export function asManyAsNeeded(wanted, values, defaults, tokens) {
  if (!wanted) return dialled("tokens", tokens, Number(defaults["top-k"]));
  const requirement =
    values[REQUIREMENT] === "off" ? (defaults[REQUIREMENT] ?? "off") : (values[REQUIREMENT] ?? "off");
  return { [LIMIT]: 0, [REQUIREMENT]: requirement };
}
