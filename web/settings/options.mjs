/**
 * The options of `options.json`, the table that Python and the command line read as well.
 * @module
 */

/**
 * @typedef {string | number | boolean} Value
 * @typedef {Record<string, Value>} Values
 * @typedef {{ value: string, label: string, help?: string, aliases: string[], sets?: Values }} Choice
 * @typedef {object} Shorthand a name that stands for several options, such as `preset`
 * @property {string} name
 * @property {string[]} aliases
 * @property {"choice" | "number" | "integer" | "boolean" | "url" | "grids" | "any"} type
 * @property {string} label
 * @property {string} help
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {boolean} [loss] a number that can be "off", or given in decibels
 * @property {Choice[]} [choices] of a number or a boolean: the words it accepts instead
 * @property {Values} [sets] values of other options that it implies, unless they are set explicitly
 * @property {string} [decibels_of] the loss that it sets, in decibels
 * @property {string} [note] why it does nothing here, though other AutoGaze viewers have it
 * @typedef {object} OptionExtras
 * @property {string} group
 * @property {Value} default an empty one means that the option may be empty
 * @property {Value} [tiled_default] with a mode other than realtime
 * @property {"source" | "model"} [restarts] what has to be reopened for a new value
 * @property {boolean} [common] shown first; all others are advanced
 * @property {Record<string, string[]>} [when] values of other options with which it has an effect
 * @typedef {Shorthand & OptionExtras} Option
 */

/**
 * @typedef {object} OptionTable
 * @property {{ name: string, label: string }[]} groups
 * @property {Option[]} options
 * @property {Shorthand[]} shorthands
 */

/** @returns {Promise<OptionTable>} */
export async function loadOptions() {
  const response = await fetch(new URL("../../options.json", import.meta.url));
  if (!response.ok)
    throw new Error(`options.json is missing (${response.status}): build the site with "make site".`);
  return response.json();
}

/**
 * Every option's default, which may depend on the mode.
 * @param {OptionTable} table
 * @param {Value | undefined} [mode]
 * @returns {Values}
 */
export function defaultsOf(table, mode = "realtime") {
  return Object.fromEntries(
    table.options.map((option) => [
      option.name,
      mode === "realtime" ? option.default : (option.tiled_default ?? option.default),
    ]),
  );
}

/**
 * Reads a URL's query: names and aliases in any case, `_` for `-`; a name without a value means true.
 *
 * @param {OptionTable} table
 * @param {string} query such as `?source=synthetic-pan`
 * @returns {{ values: Values, problems: string[] }} a value for every option, and a sentence for
 *   each parameter that is unknown or has a value that the option does not take
 */
export function parseQuery(table, query) {
  const { chosen, problems } = readQuery(table, query);
  return { values: completed(table, chosen), problems };
}

/** What differs from the defaults at a visit that asks for nothing in particular. @type {Values} */
const COLD_START = { "mask-source": "autogaze", "mask-visualization": "outlines" };

/**
 * Reads the query of the page's address: one that names neither a source nor a mask source starts on a result, AutoGaze
 * on the sample clip.
 *
 * @param {OptionTable} table
 * @param {string} query
 * @returns {{ values: Values, problems: string[], start: Values }} as of `parseQuery`; `start`: what the page itself
 *   chose for this visit instead of defaults
 */
export function parseAddress(table, query) {
  const { chosen, problems } = readQuery(table, query);
  const start = "source" in chosen || "mask-source" in chosen ? {} : COLD_START;
  return { values: completed(table, { ...start, ...chosen }), problems, start };
}

/**
 * @param {OptionTable} table
 * @param {Values} chosen
 * @returns {Values} a value for every option
 */
function completed(table, chosen) {
  const all = { ...defaultsOf(table, chosen.mode), ...chosen };
  return Object.fromEntries(table.options.map(({ name }) => [name, all[name] ?? ""]));
}

/**
 * @param {OptionTable} table
 * @param {string} query
 * @returns {{ chosen: Values, problems: string[] }}
 */
function readQuery(table, query) {
  const known = [...table.options, ...table.shorthands];
  /** @type {Values} */
  const explicit = {};
  /** @type {Values} */
  const implied = {};
  const problems = [];
  for (const [name, given] of pairs(query)) {
    const wanted = normalise(name);
    const option = known.find((candidate) => candidate.name === wanted || candidate.aliases.includes(wanted));
    const value = option && parseValue(option, given);
    if (!option)
      problems.push(`There is no option "${name}"; the options are ${known.map((o) => o.name).join(", ")}.`);
    else if (value === undefined) problems.push(`${option.name} is ${accepted(option)}, got "${given}".`);
    else {
      explicit[option.name] = value;
      Object.assign(implied, impliedBy(option, value));
    }
  }
  return { chosen: { ...implied, ...explicit }, problems };
}

/**
 * Why some options of a query do nothing here, though other AutoGaze viewers have them.
 * @param {OptionTable} table
 * @param {string} query
 * @returns {string[]} a sentence each
 */
export function ignoredNotes(table, query) {
  const names = [...pairs(query).keys()].map(normalise);
  return table.shorthands
    .filter(({ name, aliases, note }) => note && [name, ...aliases].some((each) => names.includes(each)))
    .map(({ name, note }) => `${name} has no effect. ${note}`);
}

/**
 * The values of other options that a value of this one implies.
 *
 * @param {Shorthand & Partial<OptionExtras>} option
 * @param {Value} value
 * @returns {Values}
 */
export function impliedBy(option, value) {
  const chosen = option.choices?.find((choice) => choice.value === value)?.sets;
  const converted = option.decibels_of ? { [option.decibels_of]: lossOfDecibels(value) } : {};
  // A default, such as an empty address or "auto", implies nothing.
  return { ...(value === option.default ? {} : option.sets), ...chosen, ...converted };
}

/**
 * @param {Shorthand & Partial<OptionExtras>} option
 * @param {string} given
 * @returns {Value | undefined} undefined if the option does not take it
 */
export function parseValue(option, given) {
  const text = given.trim();
  const word = normalise(given);
  const choice = option.choices?.find(({ value, aliases }) => value === word || aliases.includes(word));
  if (choice) return choice.value;
  switch (option.type) {
    case "choice":
      return undefined;
    case "any":
      return text;
    case "boolean":
      return BOOLEANS.get(word);
    case "url":
      return URL_FORM.test(text) || (text === "" && option.default === "") ? text : undefined;
    case "grids": {
      const grids = word.replaceAll(" ", "+");
      return GRIDS_FORM.test(grids) ? gridsText(gridsOf(grids)) : undefined;
    }
    default:
      return option.loss ? parseLoss(option, text) : parseNumber(option, text);
  }
}

/**
 * @param {Shorthand & Partial<OptionExtras>} option
 * @param {string} text
 */
function parseLoss(option, text) {
  if (DEFAULT_WORDS.includes(normalise(text))) return option.default;
  if (OFF_WORDS.includes(normalise(text))) return "off";
  const decibels = DECIBEL_FORM.exec(text);
  return decibels ? lossOfDecibels(Number(decibels[1])) : parseNumber(option, text);
}

/** @param {Value} decibels */
function lossOfDecibels(decibels) {
  return 10 ** (-Number(decibels) / 20);
}

/**
 * @param {Shorthand} option
 * @param {string} text
 */
function parseNumber({ type, minimum = -Infinity, maximum = Infinity }, text) {
  const number = text === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(number) || number < minimum || number > maximum) return undefined;
  return type === "integer" && !Number.isInteger(number) ? undefined : number;
}

const BOOLEANS = new Map([
  ...["true", "on", "yes", "1"].map((word) => /** @type {const} */ ([word, true])),
  ...["false", "off", "no", "0"].map((word) => /** @type {const} */ ([word, false])),
]);

/** An address on the web, or a path relative to the page. */
const URL_FORM = /^(https?:\/\/[^\s/]+|\.{0,2})\/\S([^\r\n]*\S)?$/i;

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
const DEFAULT_WORDS = ["default", "model"];
const DECIBEL_FORM = /^(\d+\.?\d*|\.\d+) ?db$/i;

/**
 * What an option takes, in words.
 * @param {Shorthand} option
 */
export function accepted({ type, choices = [], minimum, maximum, loss }) {
  const words = choices.map(({ value }) => value).join(", ");
  if (type === "choice") return `one of ${words}`;
  if (type === "any") return "any text";
  if (type === "boolean") return words ? `true, false or ${words}` : "true or false";
  if (type === "url") return "an address that begins with https://, http://, /, ./ or ../";
  if (type === "grids") return "none, or cells per side of grids such as 2+14";
  if (loss) return `a number of at least ${minimum}, decibels such as 20dB, or off`;
  const kind = type === "integer" ? "a whole number" : "a number";
  const numbers =
    maximum === undefined ? `${kind} of at least ${minimum}` : `${kind} from ${minimum} to ${maximum}`;
  return words ? `${numbers}, or ${words}` : numbers;
}

/** @param {string} query */
function pairs(query) {
  const parts = query.replace(/^\?/, "").split("&").filter(Boolean);
  return new URLSearchParams(parts.map((part) => (part.includes("=") ? part : `${part}=true`)).join("&"));
}

/** @param {string} text */
function normalise(text) {
  return text.trim().toLowerCase().replaceAll("_", "-");
}
