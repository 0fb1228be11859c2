/**
 * The present value of every option, and the link that reproduces them.
 * @module
 */

import { defaultsOf, impliedBy, parseQuery } from "./options.mjs";

/** @typedef {import("./options.mjs").Option} Option */
/** @typedef {import("./options.mjs").OptionTable} OptionTable */
/** @typedef {import("./options.mjs").Value} Value */
/** @typedef {import("./options.mjs").Values} Values */

export class Settings {
  /** The values by name: always the same object, so that whoever keeps it sees changes. @type {Values} */
  values;

  #table;
  /** @type {((changed: string[]) => void)[]} */
  #listeners = [];

  /**
   * @param {OptionTable} table
   * @param {Values} values of all options
   */
  constructor(table, values) {
    this.#table = table;
    this.values = { ...values };
  }

  get table() {
    return this.#table;
  }

  /**
   * @param {string} name
   * @returns {Option}
   */
  option(name) {
    const found = this.#table.options.find((each) => each.name === name);
    if (!found) throw new Error(`options.json has no option "${name}"`);
    return found;
  }

  /** @param {(changed: string[]) => void} listener called with the names of options that have new values */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Sets options, and what comes with them.
   * @param {Values} given valid values by name
   */
  give(given) {
    const implied = Object.entries(given).map(([name, value]) => impliedBy(this.option(name), value));
    const wanted = Object.assign({}, ...implied, given);
    if ("mode" in wanted) Object.assign(wanted, { ...this.#defaultsInMode(wanted.mode), ...wanted });
    const changed = Object.keys(wanted).filter((name) => this.values[name] !== wanted[name]);
    if (changed.length === 0) return;
    Object.assign(this.values, wanted);
    for (const listener of this.#listeners) listener(changed);
  }

  /** @param {string} name */
  isDefault(name) {
    return this.values[name] === this.#defaults[name];
  }

  /** How many options have another value than their default. */
  get changedCount() {
    return Object.keys(this.values).filter((name) => !this.isDefault(name)).length;
  }

  /**
   * Puts an option back to its default.
   * @param {string} name
   */
  putBack(name) {
    this.give({ [name]: this.#defaults[name] ?? "" });
  }

  /** Puts every option back to its default. */
  reset() {
    this.give(defaultsOf(this.#table));
  }

  get #defaults() {
    return defaultsOf(this.#table, this.values.mode);
  }

  /**
   * Options that are at their default stay so when the mode changes.
   * @param {Value} mode
   */
  #defaultsInMode(mode) {
    const next = Object.entries(defaultsOf(this.#table, mode));
    return Object.fromEntries(next.filter(([name]) => name !== "mode" && this.isDefault(name)));
  }

  /**
   * The query that reproduces the present values: only those that are not defaults.
   * @returns {string} such as `?source=synthetic-pan`, or nothing
   */
  query() {
    const names = Object.keys(this.values);
    const told = new Set(names.filter((name) => !this.isDefault(name)));
    const query = () => {
      const pairs = [...told].map((name) => [name, String(this.values[name])]);
      return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : "";
    };
    // Some options bring values of others with them, where a default then has to be told as well.
    const { values } = parseQuery(this.#table, query());
    for (const name of names) if (values[name] !== this.values[name]) told.add(name);
    return query();
  }

  /**
   * Why an option has no effect now.
   * @param {Option} option
   * @returns {string} a sentence, or nothing if it has one
   */
  reasonWithout({ when = {} }) {
    for (const [name, wanted] of Object.entries(when)) {
      if (wanted.includes(String(this.values[name]))) continue;
      const { label, choices = [] } = this.option(name);
      const labels = choices.filter(({ value }) => wanted.includes(value)).map((choice) => choice.label);
      return `Only with ${label}: ${labels.join(" or ")}.`;
    }
    return "";
  }
}
