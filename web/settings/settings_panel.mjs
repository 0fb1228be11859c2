/**
 * The panel of settings: every option of `options.json` in its group, presets, the link to the current settings.
 * @module
 */

/** @import { Settings } from "./settings.mjs" */

import { copyFrom } from "../page/copy_text.mjs";
import { element, showText } from "../page/element.mjs";
import { hideNotice } from "../page/notice.mjs";
import { showToast } from "../page/toast.mjs";
import { follow } from "./bound_controls.mjs";
import { Field } from "./field.mjs";
import { ignoredNotes } from "./options.mjs";

/** @param {{ settings: Settings }} page */
export function addSettingsPanel({ settings }) {
  const { groups, options } = settings.table;
  const fields = new Map(options.map((option) => [option.name, new Field(option, settings)]));
  // A phone shows only the groups' names at first.
  const roomy = matchMedia("(min-width: 50rem)").matches;
  const sections = groups.map(({ name, label }) => {
    const section = document.createElement("details");
    const heading = document.createElement("summary");
    heading.textContent = label;
    section.open = roomy;
    const own = options.filter((option) => option.group === name && !option.common);
    section.append(heading, ...own.map((option) => /** @type {Field} */ (fields.get(option.name)).element));
    return section;
  });
  element("settings-groups", HTMLElement).replaceChildren(...sections);
  const common = options.filter((option) => option.common);
  element("settings-common", HTMLElement).append(
    ...common.map(({ name }) => /** @type {Field} */ (fields.get(name)).element),
  );
  const advanced = element("settings-advanced", HTMLDetailsElement);

  const find = element("settings-find", HTMLInputElement);
  find.addEventListener("input", () => {
    for (const field of fields.values()) field.element.hidden = !field.matches(find.value);
    for (const section of sections) {
      section.hidden = !section.querySelector(".setting:not([hidden])");
      section.open = roomy || find.value !== "";
    }
    advanced.open = find.value !== "";
  });

  const notes = ignoredNotes(settings.table, location.search);
  if (notes.length > 0) {
    showStatus(notes.join(" "));
    showToast("Some options in this page’s address have no effect here: Settings says why.");
  }
  addPresets(settings);
  element("settings-reset", HTMLButtonElement).addEventListener("click", () => {
    hideNotice();
    settings.restoreAll();
    // Fields may show values that were refused, which changed nothing.
    for (const field of fields.values()) field.show();
    element("link", HTMLInputElement).hidden = true;
    find.value = "";
    find.dispatchEvent(new Event("input"));
    showStatus("All settings are at their defaults.");
  });
  element("copy-link", HTMLButtonElement).addEventListener("click", () => copyLink(settings));

  settings.on("change", () => {
    for (const field of fields.values()) field.show();
  });
  follow(settings, () => {
    const count = settings.changedCount;
    showText(
      element("settings-hint", HTMLElement),
      count === 0 ? "all at their defaults" : `${count} changed`,
    );
  });
}

/** @param {Settings} settings */
function addPresets(settings) {
  const preset = settings.table.shorthands.find(({ name }) => name === "preset");
  const buttons = (preset?.choices ?? []).map(({ label, help = "", sets = {} }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.title = help;
    button.addEventListener("click", () => {
      settings.set(sets);
      showStatus(`${label}: ${help}`);
    });
    return button;
  });
  element("presets", HTMLElement).append(...buttons);
}

/** @param {Settings} settings */
async function copyLink(settings) {
  const feature = element("feature-settings", HTMLDetailsElement);
  if (await copyFrom(element("link", HTMLInputElement), settings.link)) {
    showStatus("The link was copied.");
    // The key for it works while the settings are closed.
    if (!feature.open) showToast("The link was copied.");
  } else {
    feature.open = true;
    showStatus("The browser did not let the page copy: copy the link from the field.");
  }
}

/** @param {string} sentence */
function showStatus(sentence) {
  element("settings-status", HTMLElement).textContent = sentence;
}
