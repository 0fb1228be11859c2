/**
 * An EventTarget whose event names and details are typed.
 * @module
 */

/**
 * @example
 * view.on("storage", ({ bytes }) => console.log(bytes));
 * view.on("frame", (report) => console.log(report.cells), { once: true });
 *
 * @template {Record<string, any>} Events the type of the detail by event name
 */
export class TypedEventTarget extends EventTarget {
  /**
   * Calls a listener with the detail of each event of one name. `addEventListener` works too: its listener gets the
   * `CustomEvent`.
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} listener
   * @param {AddEventListenerOptions} [options] such as `{ once: true }` or `{ signal }`
   */
  on(name, listener, options) {
    this.addEventListener(name, (event) => listener(/** @type {CustomEvent} */ (event).detail), options);
  }

  /**
   * @protected
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} detail
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
