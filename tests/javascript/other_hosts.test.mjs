import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { openRoute } from "../../web/model/other_hosts.mjs";

/** A frame whose document loads at once, with or without its script. */
class FakeFrame extends EventTarget {
  hidden = false;
  src = "";
  contentDocument;
  contentWindow = { postMessage: mock.fn() };
  remove = mock.fn();

  /** @param {boolean} isComplete */
  constructor(isComplete) {
    super();
    this.contentDocument = { documentElement: { dataset: isComplete ? { listens: "true" } : {} } };
  }
}

/** Whether each frame that is added has its script. @type {boolean[]} */
let complete;
/** @type {FakeFrame[]} */
let frames;

beforeEach(() => {
  complete = [];
  frames = [];
  Object.assign(document, {
    createElement: () => {
      const frame = new FakeFrame(complete.shift() ?? true);
      frames.push(frame);
      return frame;
    },
    body: {
      append: (/** @type {FakeFrame} */ frame) => setImmediate(() => frame.dispatchEvent(new Event("load"))),
    },
  });
});

test("a frame that did not load is reported, and added anew by the next load", async () => {
  complete = [false, true];
  assert.equal(await openRoute(["https://huggingface.co"]), undefined);
  assert.equal(frames.length, 0);
  const others = ["https://models.example"];
  const failed = [openRoute(others), openRoute(others)];
  for (const opening of failed) await assert.rejects(opening, /^Error: A part of the page is missing: /);
  assert.deepEqual([frames.length, frames[0]?.remove.mock.callCount()], [1, 1]);
  for (const _ of [1, 2]) {
    const route = await openRoute([...others, "https://huggingface.co"]);
    assert.deepEqual(route?.origins, others);
    route?.port.close();
  }
  assert.equal(frames.length, 2);
  const [message, origin, [port]] = frames[1]?.contentWindow.postMessage.mock.calls[0]?.arguments ?? [];
  assert.deepEqual([message, origin], [{ origins: others }, "https://page.example"]);
  port.close();
});
