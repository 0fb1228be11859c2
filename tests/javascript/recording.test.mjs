import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Recording } from "../../web/export/recording.mjs";

/** @type {any} */
let worker;

/** A worker that answers what the test says. */
class FakeWorker {
  ended = false;
  /** @type {(event: any) => void} */
  onmessage = () => {};
  /** @type {(event: any) => void} */
  onerror = () => {};

  constructor() {
    worker = this;
  }

  postMessage() {}

  addEventListener() {}

  terminate() {
    this.ended = true;
  }
}

describe("a recording", () => {
  const before = globalThis.Worker;
  let tapped = false;
  const view = /** @type {any} */ ({
    tap: () => {
      tapped = true;
    },
    untap: () => {
      tapped = false;
    },
  });
  /** @type {Recording} */
  let recording;

  beforeEach(() => {
    Object.assign(globalThis, { Worker: FakeWorker });
    recording = new Recording(view, "panels", "webm");
    assert(tapped);
  });
  afterEach(() => {
    Object.assign(globalThis, { Worker: before });
    assert.deepEqual([tapped, worker.ended], [false, true], "nothing goes on behind its end");
  });

  test("has a file only once all of it is written", async () => {
    /** @type {any[]} */
    const progress = [];
    recording.onProgress = (each) => progress.push(each);
    worker.onmessage({ data: { type: "progress", frames: 2, milliseconds: 80, bytes: 900 } });
    assert.equal(progress.length, 1);
    const finished = { type: "finished", blob: new Blob(["file"]), frames: 2, milliseconds: 80, full: false };
    worker.onmessage({ data: finished });
    assert.equal(await recording.finished, finished);
  });

  test("that fails half-way has none", async () => {
    worker.onmessage({ data: { type: "progress", frames: 2, milliseconds: 80, bytes: 900 } });
    worker.onmessage({ data: { type: "error", message: "The recording failed: no space is left" } });
    await assert.rejects(recording.finished, /^Error: The recording failed: no space is left$/);
  });

  test("whose worker does not start has none", async () => {
    worker.onerror({ preventDefault() {} });
    await assert.rejects(recording.finished, /could not start: reload the page/);
  });

  test("that is cancelled has none", async () => {
    recording.cancel();
    assert.equal(await recording.finished, null);
  });
});

test("the writer reports a failure instead of a part of a file", async () => {
  /** @type {any[]} */
  const sent = [];
  Object.assign(globalThis, { postMessage: (/** @type {any} */ message) => sent.push(message) });
  await import("../../web/export/recording_worker.mjs");
  const scope = /** @type {any} */ (globalThis);
  for (const pictures of [0, 2]) {
    /** @type {any[]} */
    const answers = [];
    const port = {
      onmessage: (/** @type {any} */ _) => {},
      postMessage: (/** @type {any} */ each) => answers.push(each),
    };
    scope.onmessage({ data: { type: "start", port, format: "webm", maxBytes: 1e6 } });
    let open = pictures;
    for (let index = 0; index < pictures; index++) {
      const image = { width: 4, height: 4, close: () => open-- };
      // The library for videos is not there.
      port.onmessage({ data: { image, time: 40 * index } });
    }
    scope.onmessage({ data: { type: "finish" } });
    for (let turn = 0; turn < 50 && sent.length === 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 2));
    const [only] = sent.splice(0);
    assert.equal(only.type, "error");
    assert.match(only.message, pictures ? /^The recording failed: / : /no frame came; start the source/);
    assert.deepEqual([answers[0], answers.at(-1)], [{ room: 3 }, { ended: true }]);
    if (pictures) assert.equal(open, 1, "the picture that was being written is freed");
  }
  assert.deepEqual(sent, []);
});
