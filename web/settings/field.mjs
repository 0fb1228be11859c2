/**
 * One option in the panel of settings: its control, its help, why it has no effect, and a button that restores its default.
 * @module
 */

/** @import { Option, Value } from "./options.mjs" */
/** @import { Settings } from "./settings.mjs" */

import { accepted, parseValue } from "./options.mjs";

export class Field {
  /** The field's row in the panel. */
  element = document.createElement("div");

  #option;
  #settings;
  #control;
  #reset = document.createElement("button");
  #problem = document.createElement("p");
  #reason = document.createElement("p");

  /**
   * @param {Option} option
   * @param {Settings} settings
   */
  constructor(option, settings) {
    this.#option = option;
    this.#settings = settings;
    this.#control = control(option);
    const id = `setting-${option.name}`;
    this.#control.id = id;
    this.#control.setAttribute("aria-describedby", `${id}-help ${id}-reason ${id}-problem`);
    this.#control.addEventListener("change", () => this.#apply());

    const label = textElement("label", option.label);
    label.htmlFor = id;
    const name = textElement("code", option.name);
    const help = textElement("p", option.help);
    help.id = `${id}-help`;
    help.className = "help";
    this.#reason.id = `${id}-reason`;
    this.#reason.className = "help";
    this.#problem.id = `${id}-problem`;
    this.#problem.className = "problem";
    this.#problem.setAttribute("role", "alert");

    this.#reset.type = "button";
    this.#reset.className = "small";
    this.#reset.textContent = "Reset";
    this.#reset.setAttribute("aria-label", `Reset ${option.label}`);
    this.#reset.addEventListener("click", () => {
      settings.restore(option.name);
      this.#control.focus();
    });

    const line = document.createElement("div");
    line.className = "line";
    line.append(this.#control, this.#reset);
    this.element.className = `setting ${option.type}`;
    this.element.append(label, name, line, help, this.#reason, this.#problem);
    this.show();
  }

  /** Shows the current value. */
  show() {
    const { name } = this.#option;
    const value = this.#settings.values[name] ?? "";
    if (this.#control instanceof HTMLInputElement && this.#control.type === "checkbox") {
      this.#control.checked = value === true;
    } else this.#control.value = String(value);
    const reason = this.#settings.reasonWithoutEffect(this.#option);
    this.#control.disabled = reason !== "";
    this.#reason.textContent = reason;
    this.element.classList.toggle("no-effect", reason !== "");
    this.#reset.hidden = this.#settings.isDefault(name);
    this.#showProblem("");
  }

  /**
   * Whether the names or the help of the option contain every word.
   * @param {string} words
   */
  matches(words) {
    const { name, aliases, label, help } = this.#option;
    const text = [name, ...aliases, label, help].join(" ").toLowerCase();
    return words
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.includes(word));
  }

  #apply() {
    const given =
      this.#control instanceof HTMLInputElement && this.#control.type === "checkbox"
        ? String(this.#control.checked)
        : this.#control.value;
    const value = parseValue(this.#option, given);
    if (value === undefined) {
      const { label, name } = this.#option;
      const now = shown(this.#option, this.#settings.values[name] ?? "");
      this.#showProblem(`${label} is ${accepted(this.#option)}; it stays ${now || "none"}.`);
      return;
    }
    this.#settings.set({ [this.#option.name]: value });
    this.show();
  }

  /** @param {string} problem */
  #showProblem(problem) {
    this.#problem.textContent = problem;
    this.#control.setAttribute("aria-invalid", String(problem !== ""));
  }
}

/**
 * @param {Option} option
 * @returns {HTMLInputElement | HTMLSelectElement}
 */
function control(option) {
  const { type, choices = [] } = option;
  if (type === "choice" || (type === "boolean" && choices.length > 0)) {
    const select = document.createElement("select");
    select.append(...choices.map(({ value, label }) => new Option(label, value)));
    if (type === "boolean") select.append(new Option("On", "true"), new Option("Off", "false"));
    return select;
  }
  const input = document.createElement("input");
  input.type = option.type === "boolean" ? "checkbox" : "text";
  if (option.type === "boolean") return input;
  input.autocomplete = "off";
  input.spellcheck = false;
  if (option.type === "integer" || option.type === "number") {
    // Not a number field, because a word such as "auto" may be accepted; phones show digits nevertheless.
    if (!option.choices) input.inputMode = option.type === "integer" ? "numeric" : "decimal";
    input.placeholder = accepted(option);
  }
  if (option.type === "url") input.inputMode = "url";
  return input;
}

/**
 * @param {Option} option
 * @param {Value} value
 */
function shown({ choices = [] }, value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  return choices.find((choice) => choice.value === value)?.label ?? String(value);
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} text
 */
function textElement(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
