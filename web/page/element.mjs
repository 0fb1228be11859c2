/**
 * Elements of the page by id, with their type checked once.
 * @module
 */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no <${type.name}> with the id "${id}"`);
  return found;
}

/**
 * Replaces a canvas by a copy of it: one that was transferred to a worker cannot be transferred again.
 * @param {string} id
 */
export function freshCanvas(id) {
  const transferred = element(id, HTMLCanvasElement);
  const fresh = /** @type {HTMLCanvasElement} */ (transferred.cloneNode());
  transferred.replaceWith(fresh);
  return fresh;
}

/**
 * Sets a text unless it is shown already, which would cost a layout.
 * @param {Element} place
 * @param {string} text
 */
export function showText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
