/**
 * Single keys for the controls, and the list of them that `?` opens.
 *
 * They do what a click on the control does, so that nothing works by key alone. A field or button that has the
 * focus keeps its own keys. All of them can be turned off, for people who use speech input (WCAG 2.1.4).
 * @module
 */

import { element } from "../page/element.mjs";
import { readText, storeText } from "../page/stored_text.mjs";

const OFF_KEY = "autogaze-shortcuts-off";

/** @type {{ keys: string[], what: string, run: () => void }[]} */
const SHORTCUTS = [
  { keys: [" "], what: "Start or pause", run: () => click("run") },
  { keys: [","], what: "One frame back, in files", run: () => click("step-back") },
  { keys: ["."], what: "One frame forward, in files", run: () => click("step-forward") },
  { keys: ["o"], what: "Open a video, a picture or a model", run: () => click("open-file") },
  { keys: ["m"], what: "Switch between AutoGaze and changed pixels", run: () => next("mask-source") },
  { keys: ["v"], what: "Next kind of output", run: () => next("output-mode") },
  { keys: ["["], what: "Fewer tokens, or lower quality", run: () => move("quality", -5) },
  { keys: ["]"], what: "More tokens, or higher quality", run: () => move("quality", 5) },
  { keys: ["c"], what: "Copy a link to the current settings", run: () => click("copy-link") },
  { keys: ["s"], what: "Save a picture", run: () => click("export-picture") },
  {
    keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    what: "Open or close Settings, Insight and the other parts of the page",
    run: () => {},
  },
  { keys: ["?"], what: "Show this list", run: () => element("shortcuts", HTMLDialogElement).showModal() },
];

export function addShortcuts() {
  const list = element("shortcuts-list", HTMLElement);
  for (const { keys, what } of SHORTCUTS) list.append(row(keys, what));
  const dialog = element("shortcuts", HTMLDialogElement);
  const on = element("shortcuts-on", HTMLInputElement);
  on.checked = readText(OFF_KEY) === null;
  on.addEventListener("change", () => storeText(OFF_KEY, on.checked ? null : "1"));
  element("shortcuts-open", HTMLButtonElement).addEventListener("click", () => dialog.showModal());
  element("shortcuts-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (dialog.open || !on.checked || usesKeyItself(event.target, event.key)) return;
    const shortcut = SHORTCUTS.find(({ keys }) => keys.includes(event.key.toLowerCase()));
    if (!shortcut) return;
    event.preventDefault();
    if (/^[1-9]$/.test(event.key)) toggleFeature(Number(event.key));
    else shortcut.run();
  });
}

/**
 * @param {EventTarget | null} target
 * @param {string} key
 */
function usesKeyItself(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("input, textarea, select")) return true;
  return key === " " && target.closest("button, summary, a, [role=button]") !== null;
}

/** @param {string} id */
function click(id) {
  const button = element(id, HTMLButtonElement);
  if (!button.disabled && (id === "open-file" || isAvailable(button))) button.click();
}

/** @param {HTMLElement} button available unless something around it is hidden; a closed feature does not count */
function isAvailable(button) {
  return !button.closest("[hidden]");
}

/** @param {string} id of a <select> */
function next(id) {
  const select = element(id, HTMLSelectElement);
  if (select.disabled) return;
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  dispatchChange(select);
}

/**
 * @param {string} id of a slider
 * @param {number} steps
 */
function move(id, steps) {
  const slider = element(id, HTMLInputElement);
  slider.stepUp(steps);
  dispatchChange(slider);
}

/** @param {HTMLElement} control changed on behalf of the user */
function dispatchChange(control) {
  for (const type of ["input", "change"]) control.dispatchEvent(new Event(type, { bubbles: true }));
}

/** @param {number} number 1 for the first */
function toggleFeature(number) {
  const feature = document.querySelectorAll("details.feature:not([hidden])")[number - 1];
  if (!(feature instanceof HTMLDetailsElement)) return;
  feature.open = !feature.open;
  feature.querySelector("summary")?.focus();
}

/**
 * @param {string[]} keys
 * @param {string} what
 */
function row(keys, what) {
  const line = document.createElement("div");
  const name = document.createElement("dt");
  const shown = keys.length > 1 ? [keys[0] ?? "", keys.at(-1) ?? ""] : keys;
  for (const key of shown) {
    if (name.childNodes.length > 0) name.append(" to ");
    const cap = document.createElement("kbd");
    cap.textContent = key === " " ? "Space" : key.toUpperCase();
    name.append(cap);
  }
  const text = document.createElement("dd");
  text.textContent = what;
  line.append(name, text);
  return line;
}
