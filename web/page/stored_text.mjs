/**
 * Short texts stored in the browser from visit to visit. In a window without storage nothing is stored.
 * @module
 */

/**
 * @param {string} key
 * @returns {string | null} null if nothing is stored
 */
export function readText(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string | null} text null removes it
 */
export function storeText(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // This window has no storage.
  }
}
