/**
 * A short confirmation at the lower edge of the window, which disappears by itself.
 * @module
 */

import { element } from "./element.mjs";

const VISIBLE_MS = 5000;

const toast = element("toast", HTMLElement);
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} sentence */
export function showToast(sentence) {
  clearTimeout(timer);
  toast.textContent = sentence;
  timer = setTimeout(() => {
    toast.textContent = "";
  }, VISIBLE_MS);
}
