/**
 * A textarea for code: lines are numbered, one can be marked, and Enter preserves the indentation. Tab moves the
 * focus, so that the page stays usable by keyboard.
 * @module
 */

export class CodeEditor {
  /** Called when the text has changed. @type {() => void} */
  onInput = () => {};

  #area;
  #lines;
  /** @type {number | null} */
  #marked = null;

  /**
   * @param {HTMLTextAreaElement} area
   * @param {HTMLElement} lines the list beside it
   */
  constructor(area, lines) {
    this.#area = area;
    this.#lines = lines;
    area.addEventListener("input", () => {
      this.mark(null);
      this.onInput();
    });
    area.addEventListener("scroll", () => {
      lines.scrollTop = area.scrollTop;
    });
    area.addEventListener("keydown", (event) => this.#indent(event));
    new ResizeObserver(() => {
      lines.style.maxHeight = `${area.offsetHeight}px`;
    }).observe(area);
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    this.#area.value = text;
    this.mark(null);
  }

  /** @param {number | null} line 1 for the first */
  mark(line) {
    this.#marked = line;
    this.#number();
  }

  #number() {
    const count = this.#area.value.split("\n").length;
    const items = Array.from({ length: count }, (_, index) => {
      const item = document.createElement("li");
      item.textContent = String(index + 1);
      if (index + 1 === this.#marked) item.className = "wrong";
      return item;
    });
    this.#lines.replaceChildren(...items);
    this.#lines.scrollTop = this.#area.scrollTop;
  }

  /** @param {KeyboardEvent} event */
  #indent(event) {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
    const before = this.#area.value.slice(0, this.#area.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const indent = (/^ */.exec(line)?.[0] ?? "") + (line.trimEnd().endsWith(":") ? "    " : "");
    if (!indent) return;
    event.preventDefault();
    this.#area.setRangeText(`\n${indent}`, this.#area.selectionStart, this.#area.selectionEnd, "end");
    this.#area.dispatchEvent(new Event("input"));
  }
}
