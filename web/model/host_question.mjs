/**
 * Asks before the page contacts a host that the options name: whoever made the link chose that host, not the user. A
 * host that the user agreed to is not asked about again in this tab.
 * @module
 */

import { element } from "../page/element.mjs";

const KEY = "autogaze-allowed-hosts";

/** @type {Set<string>} */
const allowed = new Set(storedOrigins());
/** Takes the question on the page back, if there is one. */
let dismiss = () => {};

/**
 * The other sites among addresses.
 * @param {(string | undefined)[]} addresses relative to the page, or absolute; undefined for none
 * @returns {string[]} their origins, each once; none for what is no web address
 */
export function otherOrigins(addresses) {
  const urls = addresses.map((address) => URL.parse(address?.trim() ?? "", document.baseURI));
  const origins = urls.flatMap((url) => (url && /^https?:$/.test(url.protocol) ? [url.origin] : []));
  return [...new Set(origins)].filter((origin) => origin !== location.origin);
}

/**
 * Those that the user has not agreed to yet.
 * @param {string[]} origins
 */
export function originsToAsk(origins) {
  return origins.filter((origin) => !allowed.has(origin));
}

/** Notes that the user agreed to contact these origins. @param {string[]} origins */
export function allowOrigins(origins) {
  for (const origin of origins) allowed.add(origin);
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...allowed]));
  } catch {
    // Without storage the user is asked again after a reload.
  }
}

/**
 * Shows the question, instead of an earlier one.
 * @param {string[]} origins from `originsToAsk`
 * @returns {Promise<boolean>} whether the user agreed; false if the question was taken back
 */
export function askAboutHosts(origins) {
  dismiss();
  const question = element("host-question", HTMLElement);
  const allow = element("host-allow", HTMLButtonElement);
  const hosts = origins.map((origin) => new URL(origin).host).join(" and ");
  element("host-question-text", HTMLElement).textContent =
    `The address of this page asks for a model from ${hosts}. Nothing has been requested from there yet.`;
  allow.textContent = `Load from ${hosts}`;
  question.hidden = false;
  return new Promise((resolve) => {
    const listening = new AbortController();
    const answer = (/** @type {boolean} */ agreed) => {
      dismiss = () => {};
      listening.abort();
      question.hidden = true;
      if (agreed) allowOrigins(origins);
      resolve(agreed);
    };
    dismiss = () => answer(false);
    const { signal } = listening;
    allow.addEventListener("click", () => answer(true), { signal });
    element("host-refuse", HTMLButtonElement).addEventListener("click", dismiss, { signal });
  });
}

/** Takes the question back. */
export function dismissHostQuestion() {
  dismiss();
}

/** @returns {string[]} */
function storedOrigins() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored : [];
  } catch {
    return [];
  }
}
