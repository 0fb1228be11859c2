/**
 * Controls that set one option and follow it.
 * @module
 */

/** @import { Settings } from "./settings.mjs" */

import { element } from "../page/element.mjs";

/**
 * Fills a <select> with the choices of an option.
 * @param {string} id
 * @param {Settings} settings
 * @param {string} name of the option
 */
export function filledSelect(id, settings, name) {
  const select = element(id, HTMLSelectElement);
  const { choices = [], help } = settings.option(name);
  select.title = help;
  select.append(...choices.map(({ value, label }) => new Option(label, value)));
  return select;
}

/**
 * @param {string} id of a <select>
 * @param {Settings} settings
 * @param {string} name of the option
 */
export function bindSelect(id, settings, name) {
  const select = filledSelect(id, settings, name);
  select.addEventListener("change", () => settings.set({ [name]: select.value }));
  follow(settings, () => {
    select.value = String(settings.values[name]);
  });
  return select;
}

/**
 * @param {string} id of a checkbox
 * @param {Settings} settings
 * @param {string} name of the option
 */
export function bindCheckbox(id, settings, name) {
  const box = element(id, HTMLInputElement);
  box.addEventListener("change", () => settings.set({ [name]: box.checked }));
  follow(settings, () => {
    box.checked = settings.values[name] === true;
  });
}

/**
 * Shows the settings now and after each change.
 * @param {Settings} settings
 * @param {() => void} show
 */
export function follow(settings, show) {
  settings.on("change", show);
  show();
}
