/**
 * The current value of every option, and the link that reproduces them.
 * @module
 */

/** @import { Option, OptionTable, Value, Values } from "./options.mjs" */

import { TypedEventTarget } from "../../wasm_bridge/autogaze.mjs";
import { defaultsOf, impliedBy, parseAddress } from "./options.mjs";

// They say which source is open, which is no setting.
const SOURCE_OPTIONS = ["source", "sample", "video-url", "image-url"];

/**
 * The event `change` has the names of the options that have new values.
 * @extends {TypedEventTarget<{ change: string[] }>}
 */
export class Settings extends TypedEventTarget {
  /** The values by name: always the same object, so that whoever holds it sees changes. @type {Values} */
  values;

  #table;
  #start;

  /**
   * @param {OptionTable} table
   * @param {Values} values of all options
   * @param {Values} [start] what the page itself chose instead of defaults
   */
  constructor(table, values, start = {}) {
    super();
    this.#table = table;
    this.#start = start;
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

  /**
   * Sets options, and those that they imply.
   * @param {Values} values valid values by name
   */
  set(values) {
    const implied = Object.entries(values).map(([name, value]) => impliedBy(this.option(name), value));
    const wanted = Object.assign({}, ...implied, values);
    if ("mode" in wanted) Object.assign(wanted, { ...this.#movedByMode(wanted.mode), ...wanted });
    const changed = Object.keys(wanted).filter((name) => this.values[name] !== wanted[name]);
    if (changed.length === 0) return;
    Object.assign(this.values, wanted);
    this.emit("change", changed);
  }

  /** @param {string} name */
  isDefault(name) {
    return this.values[name] === this.defaults[name];
  }

  /** The number of settings that somebody changed; the open source is no setting. */
  get changedCount() {
    const names = Object.keys(this.values).filter((name) => !SOURCE_OPTIONS.includes(name));
    return names.filter((name) => !this.isDefault(name)).length;
  }

  /**
   * Restores the default of an option, which for this visit is what the page itself chose.
   * @param {string} name
   */
  restore(name) {
    this.set({ [name]: this.defaults[name] ?? "" });
  }

  /** Restores the defaults of all options but those that say which source is open. */
  restoreAll() {
    const open = SOURCE_OPTIONS.map((name) => [name, this.values[name] ?? ""]);
    this.set({ ...this.#defaultsIn(), ...Object.fromEntries(open) });
  }

  /** What the options would be if nobody had changed them, in the current mode. */
  get defaults() {
    return this.#defaultsIn(this.values.mode);
  }

  /** @param {Value} [mode] the default one if not given */
  #defaultsIn(mode) {
    return { ...defaultsOf(this.#table, mode), ...this.#start };
  }

  /**
   * Options at their default stay at it when the mode changes.
   * @param {Value} mode
   */
  #movedByMode(mode) {
    const next = Object.entries(this.#defaultsIn(mode));
    return Object.fromEntries(next.filter(([name]) => name !== "mode" && this.isDefault(name)));
  }

  /**
   * The query of the address that reproduces the current values: only those that a visit without it would not have.
   * @returns {string} such as `?source=synthetic-pan`
   */
  query() {
    const names = Object.keys(this.values);
    const listed = new Set(names.filter((name) => !this.isDefault(name)));
    const query = () => {
      const pairs = [...listed].map((name) => [name, String(this.values[name])]);
      return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : "";
    };
    // Some options imply values of others; a default has to be listed where an implied value would replace it.
    const { values } = parseAddress(this.#table, query());
    for (const name of names) if (values[name] !== this.values[name]) listed.add(name);
    return query();
  }

  /** The address that reproduces the current values. */
  get link() {
    return new URL(this.query() || location.pathname, location.href).href;
  }

  /**
   * Why an option has no effect at the moment.
   * @param {Option} option
   * @returns {string} a sentence, empty if it has an effect
   */
  reasonWithoutEffect({ when = {} }) {
    for (const [name, wanted] of Object.entries(when)) {
      if (wanted.includes(String(this.values[name]))) continue;
      const { label, choices = [] } = this.option(name);
      const labels = choices.filter(({ value }) => wanted.includes(value)).map((choice) => choice.label);
      return `Only with ${label}: ${labels.join(" or ")}.`;
    }
    return "";
  }
}
