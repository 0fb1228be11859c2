/**
 * The panel of settings: every option of `options.json` in its group, presets, the link to the present state.
 * @module
 */

import { element } from "../page/element.mjs";
import { Field } from "./field.mjs";

/** @typedef {import("./settings.mjs").Settings} Settings */

/** @param {Settings} settings */
export function showSettings(settings) {
  const { groups, options } = settings.table;
  const fields = new Map(options.map((option) => [option.name, new Field(option, settings)]));
  // A phone shows the groups' names first.
  const roomy = matchMedia("(min-width: 50rem)").matches;
  const sections = groups.map(({ name, label }) => {
    const section = document.createElement("details");
    const heading = document.createElement("summary");
    heading.textContent = label;
    section.open = roomy;
    const own = options.filter((option) => option.group === name);
    section.append(heading, ...own.map((option) => /** @type {Field} */ (fields.get(option.name)).element));
    return section;
  });
  element("settings-groups", HTMLElement).replaceChildren(...sections);

  const find = element("settings-find", HTMLInputElement);
  find.addEventListener("input", () => {
    for (const field of fields.values()) field.element.hidden = !field.matches(find.value);
    for (const section of sections) {
      section.hidden = !section.querySelector(".setting:not([hidden])");
      section.open = roomy || find.value !== "";
    }
  });

  showPresets(settings);
  element("settings-reset", HTMLButtonElement).addEventListener("click", () => settings.reset());
  element("copy-link", HTMLButtonElement).addEventListener("click", () => copyLink(settings));

  const summarise = () => {
    const count = settings.changedCount;
    element("settings-hint", HTMLElement).textContent =
      count === 0 ? "all at their defaults" : `${count} changed`;
  };
  settings.onChange(() => {
    for (const field of fields.values()) field.show();
    summarise();
  });
  summarise();
}

/** @param {Settings} settings */
function showPresets(settings) {
  const preset = settings.table.shorthands.find(({ name }) => name === "preset");
  const buttons = (preset?.choices ?? []).map(({ label, help = "", sets = {} }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.title = help;
    button.addEventListener("click", () => {
      settings.give(sets);
      tell(`${label}: ${help}`);
    });
    return button;
  });
  element("presets", HTMLElement).append(...buttons);
}

/** @param {Settings} settings */
async function copyLink(settings) {
  const link = new URL(settings.query() || location.pathname, location.href).href;
  const field = element("link", HTMLInputElement);
  field.value = link;
  field.hidden = false;
  field.select();
  try {
    await navigator.clipboard.writeText(link);
    tell("The link is copied.");
  } catch {
    tell("The browser did not let the page copy: copy the link from the field.");
  }
}

/** @param {string} sentence */
function tell(sentence) {
  element("settings-told", HTMLElement).textContent = sentence;
}
