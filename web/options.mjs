/**
 * The options of `options.json`, the table that Python and the command line read as well.
 * @module
 */

/**
 * @typedef {{ value: string, label: string, aliases: string[] }} Choice
 * @typedef {object} Option
 * @property {string} name
 * @property {string[]} aliases
 * @property {"choice" | "number" | "integer" | "url" | "grids"} type
 * @property {string | number} default
 * @property {string | number} [tiled_default] with a mode other than realtime
 * @property {string} label
 * @property {string} help
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {boolean} [loss] a number that can be "off", or given in decibels
 * @property {Choice[]} [choices]
 */

/** @typedef {import("../wasm_bridge/protocol.mjs").OptionValues} OptionValues */

/** @returns {Promise<Option[]>} */
export async function loadOptions() {
  const response = await fetch(new URL("../options.json", import.meta.url));
  if (!response.ok)
    throw new Error(`options.json is missing (${response.status}): build the site with "make site".`);
  return (await response.json()).options;
}

/**
 * Reads a URL's query: names and aliases in any case, `_` for `-`.
 *
 * @param {Option[]} options
 * @param {string} query such as `?source=synthetic-pan`
 * @returns {{ values: OptionValues, problems: string[] }} a value for every option, and a sentence for
 *   each parameter that is unknown or has a value that the option does not take
 */
export function parseQuery(options, query) {
  /** @type {OptionValues} */
  const chosen = {};
  const problems = [];
  for (const [name, given] of new URLSearchParams(query)) {
    const wanted = normalise(name);
    const option = options.find(
      (candidate) => candidate.name === wanted || candidate.aliases.includes(wanted),
    );
    const value = option && parseValue(option, given);
    if (!option)
      problems.push(
        `There is no option "${name}"; the options are ${options.map((o) => o.name).join(", ")}.`,
      );
    else if (value === undefined) problems.push(`${option.name} is ${accepted(option)}, got "${given}".`);
    else chosen[option.name] = value;
  }
  return { values: { ...defaultsOf(options, chosen.mode), ...chosen }, problems };
}

/**
 * Every option's default, which may depend on the mode.
 * @param {Option[]} options
 * @param {string | number | undefined} [mode]
 * @returns {OptionValues}
 */
export function defaultsOf(options, mode = "realtime") {
  return Object.fromEntries(
    options.map((option) => [
      option.name,
      mode === "realtime" ? option.default : (option.tiled_default ?? option.default),
    ]),
  );
}

/**
 * @param {Option} option
 * @param {string} given
 * @returns {string | number | undefined} undefined if the option does not take it
 */
export function parseValue(option, given) {
  if (option.type === "choice") {
    const wanted = normalise(given);
    return option.choices?.find(({ value, aliases }) => value === wanted || aliases.includes(wanted))?.value;
  }
  if (option.type === "url") return URL_FORM.test(given.trim()) ? given.trim() : undefined;
  if (option.type === "grids") {
    const text = normalise(given).replaceAll(" ", "+");
    return GRIDS_FORM.test(text) ? gridsText(gridsOf(text)) : undefined;
  }
  if (option.loss && OFF_WORDS.includes(normalise(given))) return "off";
  const decibels = option.loss && DECIBEL_FORM.exec(given.trim());
  const number = decibels
    ? 10 ** (-Number(decibels[1]) / 20)
    : given.trim() === ""
      ? Number.NaN
      : Number(given);
  const { minimum = -Infinity, maximum = Infinity } = option;
  if (!Number.isFinite(number) || number < minimum || number > maximum) return undefined;
  if (option.type === "integer" && !Number.isInteger(number)) return undefined;
  return number;
}

/** An address on the web, or one relative to the page: a path that says so. */
const URL_FORM = /^(https?:\/\/[^\s/]+|\.{0,2})\/\S+$/i;

/** Cells per side of grids; in an address a + reads as a space. */
const GRIDS_FORM = /^(none|[1-9]\d{0,3}(\+[1-9]\d{0,3})*)$/;

/**
 * The grids that a value of the type `grids` names.
 * @param {string} value
 * @returns {number[]}
 */
export function gridsOf(value) {
  return value === "none" ? [] : value.split("+").map(Number);
}

/**
 * The value of the type `grids` that names some grids.
 * @param {number[]} grids
 */
export function gridsText(grids) {
  return [...new Set(grids)].sort((a, b) => a - b).join("+") || "none";
}

// Of an option that is a loss.
const OFF_WORDS = ["off", "none", "false", "disabled"];
const DECIBEL_FORM = /^(\d+\.?\d*|\.\d+) ?db$/i;

/** @param {Option} option */
function accepted({ type, choices = [], minimum, maximum, loss }) {
  if (type === "choice") return `one of ${choices.map(({ value }) => value).join(", ")}`;
  if (type === "url") return "an address that begins with https://, http://, /, ./ or ../";
  if (type === "grids") return "none, or cells per side of grids such as 2+14";
  if (loss) return `a number of at least ${minimum}, decibels such as 20dB, or off`;
  const kind = type === "integer" ? "a whole number" : "a number";
  return maximum === undefined ? `${kind} of at least ${minimum}` : `${kind} from ${minimum} to ${maximum}`;
}

/** @param {string} text */
function normalise(text) {
  return text.trim().toLowerCase().replaceAll("_", "-");
}
