/**
 * Elements of a page, of whatever type: set before a module of the page that looks for them is imported.
 * @module
 */

export class FakeElement extends EventTarget {
  textContent = "";
  className = "";
  /** Of a feature: whether it is open. */
  open = false;
  value = "";
  title = "";
  hidden = true;
  disabled = false;
  checked = false;
  /** How often it was clicked. */
  clicks = 0;
  /** The names that were toggled on. @type {Set<string>} */
  classes = new Set();
  classList = {
    toggle: (/** @type {string} */ name, /** @type {boolean} */ on) =>
      on ? this.classes.add(name) : this.classes.delete(name),
  };
  style = { setProperty() {} };
  width = 0;
  height = 0;
  /** @type {FakeElement[]} */
  children = [];
  /** The picture that was drawn last on this canvas. @type {ImageData | undefined} */
  picture;
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

  /** @param {FakeElement[]} added */
  append(...added) {
    this.children.push(...added);
  }

  get firstElementChild() {
    return this.children[0];
  }

  querySelectorAll() {
    return this.children.filter(({ picture }) => picture);
  }

  scrollIntoView() {}

  getContext() {
    return {
      putImageData: (/** @type {ImageData} */ picture) => {
        this.picture = picture;
      },
      clearRect: () => {
        this.picture = undefined;
      },
    };
  }

  /** Of a table's body. */
  get rows() {
    return this.children;
  }

  /** Of a row. */
  get cells() {
    return this.children;
  }

  insertRow() {
    return this.#insert();
  }

  insertCell() {
    return this.#insert();
  }

  /** @param {number} index */
  deleteRow(index) {
    this.children.splice(index, 1);
  }

  #insert() {
    const added = new FakeElement();
    this.children.push(added);
    return added;
  }

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
  "HTMLCanvasElement",
  "HTMLDetailsElement",
  "HTMLInputElement",
  "HTMLProgressElement",
  "HTMLSelectElement",
  "HTMLTableSectionElement",
  "HTMLVideoElement",
])
  Object.assign(globalThis, { [type]: FakeElement });
Object.assign(globalThis, { Option: class {} });
Object.assign(document, {
  createElement: () => new FakeElement(),
  getElementById: fakeElement,
  body: { classList: { toggle() {} } },
});
