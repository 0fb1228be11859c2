/**
 * The line in which the page says what is wrong and what to do.
 * @module
 */

import { element } from "./element.mjs";

const notice = element("notice", HTMLElement);
const text = element("notice-text", HTMLElement);
element("notice-close", HTMLButtonElement).addEventListener("click", hideNotice);

/** @param {string} sentence */
export function showNotice(sentence) {
  text.textContent = sentence;
  notice.hidden = false;
}

export function hideNotice() {
  notice.hidden = true;
  text.textContent = "";
}
