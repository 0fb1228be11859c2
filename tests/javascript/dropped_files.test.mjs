import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { acceptFiles } from "../../web/controls/dropped_files.mjs";

describe("acceptFiles", () => {
  /** @type {string[][]} */
  let offered;
  let dropping = false;
  const file = new File(["{}"], "config.json");

  beforeEach(() => {
    offered = [];
    const document = Object.assign(new EventTarget(), {
      body: {
        classList: {
          toggle: (/** @type {string} */ _, /** @type {boolean} */ on) => {
            dropping = on;
          },
        },
      },
    });
    Object.defineProperty(globalThis, "document", { value: document, configurable: true });
    acceptFiles((files) => offered.push(files.map(({ name }) => name)));
  });

  /** @param {string} type @param {object} data */
  function dispatch(type, data) {
    const event = Object.assign(new Event(type, { cancelable: true }), data);
    globalThis.document.dispatchEvent(event);
    return event.defaultPrevented;
  }

  test("the page is marked while files are over it, however many elements they cross", () => {
    const dataTransfer = { types: ["Files"], files: [file] };
    dispatch("dragenter", { dataTransfer });
    dispatch("dragenter", { dataTransfer });
    dispatch("dragleave", { dataTransfer });
    assert(dropping);
    dispatch("dragleave", { dataTransfer });
    assert(!dropping);
    dispatch("dragenter", { dataTransfer: { types: ["text/plain"] } });
    assert(!dropping, "text is no file");
  });

  test("dropped files are offered, and the browser does not open them", () => {
    const dataTransfer = { types: ["Files"], files: [file] };
    dispatch("dragenter", { dataTransfer });
    assert(dispatch("dragover", { dataTransfer }));
    assert(dispatch("drop", { dataTransfer }));
    assert.deepEqual(offered, [["config.json"]]);
    assert(!dropping);
  });

  test("pasted files are offered, pasted text is left to the browser", () => {
    assert(dispatch("paste", { clipboardData: { files: [file] } }));
    assert(!dispatch("paste", { clipboardData: { files: [] } }));
    assert.deepEqual(offered, [["config.json"]]);
  });
});
