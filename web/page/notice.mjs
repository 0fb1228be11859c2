/**
 * The notice in which the page says what is wrong and what to do.
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

/** @param {unknown} error whose message is a sentence for the user */
export function showError(error) {
  showNotice(messageOf(error));
}

export function hideNotice() {
  notice.hidden = true;
  text.textContent = "";
}

/** Hides the notice if it says this. @param {string} sentence */
export function hideNoticeOf(sentence) {
  if (text.textContent === sentence) hideNotice();
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
