/**
 * Short texts that a browser keeps from visit to visit; in a window that keeps nothing they live as long as the page.
 * @module
 */

/**
 * @param {string} name
 * @returns {string | null} null if nothing is kept under that name
 */
export function keptText(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string | null} text null to keep it no longer
 */
export function keepText(name, text) {
  try {
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // Nothing is kept here.
  }
}
