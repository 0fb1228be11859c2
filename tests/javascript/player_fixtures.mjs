/**
 * A source player in a page without a document, with a live view and a camera that do what the test says.
 * @module
 */

import { readFile } from "node:fs/promises";
import { TypedEventTarget } from "../../wasm_bridge/calls/typed_event_target.mjs";
import { defaultsOf } from "../../web/settings/options.mjs";
import { Settings } from "../../web/settings/settings.mjs";
import { fakeElement } from "./fake_page.mjs";

Object.assign(globalThis, { HTMLMediaElement: { HAVE_CURRENT_DATA: 2 } });
const { SourcePlayer } = await import("../../web/sources/source_player.mjs");

const TABLE = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);

/**
 * In place of the live view: collects frames, and finishes them when the test says so.
 * @extends {TypedEventTarget<any>}
 */
class FakeView extends TypedEventTarget {
  /** @type {any[]} */
  sent = [];
  streams = 0;
  start = () => {};
  /** @type {Promise<void>} */
  ready = Promise.resolve();

  constructor() {
    super();
    this.awaitStart();
  }

  awaitStart() {
    this.ready = new Promise((resolve) => {
      this.start = resolve;
    });
  }

  newStream() {
    this.streams += 1;
  }

  /** @param {any} frame */
  send(frame) {
    this.sent.push(frame);
  }

  redraw() {}

  /** @param {object} [report] */
  finishFrame(report = {}) {
    this.emit("frame", report);
  }

  /** @param {string} message */
  failFrame(message) {
    this.emit("frame-error", { message });
  }

  restart() {
    this.awaitStart();
    this.emit("restart", null);
  }
}

/**
 * A player whose source is a drawn one of 64 pixels, unless the options say something else.
 * @param {Record<string, string | number | boolean>} [values] of options
 */
export function newPlayer(values = {}) {
  fakeElement("notice-text").textContent = "";
  const view = new FakeView();
  const settings = new Settings(TABLE, {
    ...defaultsOf(TABLE),
    source: "synthetic-pan",
    "inference-width": 64,
    "inference-height": "auto",
    ...values,
  });
  const player = new SourcePlayer({ view: /** @type {any} */ (view), settings });
  /** @type {string[]} */
  const states = [];
  player.on("state", (state) => states.push(state));
  return { view, settings, player, states };
}

/** The sentence that the page shows. */
export const problem = () => fakeElement("notice-text").textContent;

/** @typedef {ReturnType<typeof newPlayer>} PlayerPage */
