/**
 * Text for the clipboard.
 * @module
 */

/**
 * Shows a text in a field, selects it and copies it.
 * @param {HTMLInputElement} field
 * @param {string} text
 * @returns {Promise<boolean>} whether the browser let the page copy it
 */
export async function copyFrom(field, text) {
  field.value = text;
  field.hidden = false;
  field.select();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
