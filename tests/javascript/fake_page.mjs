/**
 * Elements of a page, of whatever type: set before a module of the page that looks for them is imported.
 * @module
 */

export class FakeElement extends EventTarget {
  textContent = "";
  value = "";
  title = "";
  hidden = true;
  disabled = false;
  checked = false;
  /** How often it was clicked. */
  clicks = 0;
  /** @type {FakeElement | undefined} */
  #parent;

  get parentElement() {
    this.#parent ??= new FakeElement();
    return this.#parent;
  }

  click() {
    this.clicks += 1;
    this.dispatchEvent(new Event("click"));
  }

  append() {}

  setAttribute() {}

  removeAttribute() {}
}

/** The elements that were looked for, by id. @type {Record<string, FakeElement>} */
const elements = {};

/** @param {string} id */
export function fakeElement(id) {
  elements[id] ??= new FakeElement();
  return elements[id];
}

for (const type of [
  "HTMLElement",
  "HTMLButtonElement",
  "HTMLInputElement",
  "HTMLProgressElement",
  "HTMLSelectElement",
  "HTMLVideoElement",
])
  Object.assign(globalThis, { [type]: FakeElement });
Object.assign(globalThis, { Option: class {} });
Object.assign(document, { getElementById: fakeElement, body: { classList: { toggle() {} } } });
