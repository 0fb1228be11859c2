/**
 * Elements of index.html by id, with their type checked once, and their texts.
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
  if (!(found instanceof type)) throw new Error(`index.html has no <${type.name}> with the id "${id}"`);
  return found;
}

/**
 * Puts another canvas in the place of one that a worker has been given, which it can never give back.
 * @param {string} id
 */
export function freshCanvas(id) {
  const given = element(id, HTMLCanvasElement);
  const fresh = /** @type {HTMLCanvasElement} */ (given.cloneNode());
  given.replaceWith(fresh);
  return fresh;
}

/**
 * Shows a text, and leaves the page as it is laid out if that is shown already.
 * @param {Element} place
 * @param {string} text
 */
export function showText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
