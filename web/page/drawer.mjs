/**
 * The drawer: Settings, What a vision model sees, Insight, Export and Python. An open one stands beside the pictures,
 * see drawer.css; here, the pictures are scrolled into view for it, and Escape closes it.
 * @module
 */

import { element } from "./element.mjs";

export function addDrawer() {
  const drawer = element("drawer", HTMLElement);
  const close = () => {
    const open = [...drawer.querySelectorAll(":scope > details")].filter(isOpen);
    const left = open.find((feature) => feature.contains(document.activeElement)) ?? open.at(-1);
    for (const feature of open) feature.open = false;
    left?.querySelector("summary")?.focus({ preventScroll: true });
  };
  element("drawer-close", HTMLButtonElement).addEventListener("click", close);
  document.addEventListener("keydown", ({ key, target, defaultPrevented, isComposing }) => {
    if (key !== "Escape" || defaultPrevented || isComposing) return;
    if (target === document.body || (target instanceof Node && drawer.contains(target))) close();
  });
  // The event does not bubble, and features have parts that unfold, too.
  drawer.addEventListener(
    "toggle",
    ({ target }) => {
      if (target instanceof Element && target.parentElement === drawer && isOpen(target)) showPictures();
    },
    { capture: true },
  );
}

function showPictures() {
  const panels = element("panels", HTMLElement);
  const { top, bottom } = panels.getBoundingClientRect();
  const covered = Number.parseFloat(getComputedStyle(document.documentElement).scrollPaddingBottom) || 0;
  if (top < 0 || bottom > innerHeight - covered) panels.scrollIntoView();
}

/**
 * @param {Element} feature
 * @returns {feature is HTMLDetailsElement}
 */
function isOpen(feature) {
  return feature instanceof HTMLDetailsElement && feature.open;
}
