/**
 * The gallery of sample clips and patterns, over the pictures.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { Values } from "../settings/options.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { hideNotice } from "../page/notice.mjs";
import { follow } from "../settings/bound_controls.mjs";
import { sampleAddress } from "../sources/samples.mjs";

// Shown without a still: they are for tests and comparisons.
const PLAIN = ["news"];
const PATTERNS = ["synthetic-pan", "synthetic-pulse", "synthetic-local-motion"];

/** @param {{ settings: Settings, player: SourcePlayer }} page */
export function addGallery({ settings, player }) {
  const menu = element("samples", HTMLDetailsElement);
  /** @type {{ button: HTMLButtonElement, values: Values }[]} */
  const entries = [];

  /**
   * @param {string} list the id of a list
   * @param {string} label
   * @param {Values} values the options that open it
   */
  const add = (list, label, values) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(label);
    button.addEventListener("click", () => {
      close();
      hideNotice();
      // The one that is open already starts over.
      if (isOpen(values)) player.open(String(values.source));
      else settings.set(values);
    });
    const item = document.createElement("li");
    item.append(button);
    element(list, HTMLElement).append(item);
    entries.push({ button, values });
    return button;
  };
  const isOpen = (/** @type {Values} */ values) =>
    Object.entries(values).every(([name, value]) => settings.values[name] === value);

  /** @type {[HTMLImageElement, string][]} */
  const stills = [];
  for (const { value, label } of settings.option("sample").choices ?? []) {
    const isPlain = PLAIN.includes(value);
    const button = add(isPlain ? "samples-patterns" : "samples-stills", label, {
      source: "sample",
      sample: value,
    });
    if (isPlain) continue;
    const still = document.createElement("img");
    still.alt = "";
    button.prepend(still);
    stills.push([still, sampleAddress(value, "webp")]);
  }
  for (const { value, label } of settings.option("source").choices ?? []) {
    if (PATTERNS.includes(value)) add("samples-patterns", label, { source: value });
  }

  follow(settings, () => {
    for (const { button, values } of entries) button.ariaCurrent = isOpen(values) ? "true" : null;
  });
  // The stills are fetched once they are wanted.
  menu.addEventListener(
    "toggle",
    () => {
      for (const [still, address] of stills) still.src = address;
    },
    { once: true },
  );

  function close() {
    if (!menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
  menu.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  menu.querySelector("a")?.addEventListener("click", close);
  document.addEventListener("pointerdown", ({ target }) => {
    if (!(target instanceof Node && menu.contains(target))) menu.open = false;
  });
}
