/**
 * The headline: how few tokens a frame needs, now and since the start, and what chooses them.
 *
 * Only the sentence about what chooses them is announced to screen readers: the numbers change with every frame.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { PlayerState, SourcePlayer } from "../sources/source_player.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */

import { element, showText } from "../page/element.mjs";
import { RunningTotal, shareOf, shareText, totalText } from "../page/token_count.mjs";
import { follow } from "../settings/bound_controls.mjs";

/** Who chooses the cells, in words. */
const CHOOSERS = {
  autogaze:
    "A token is one patch of the frame. AutoGaze chooses those that a vision model needs to read and skips the rest.",
  waiting: "AutoGaze is loading. Until it is ready, every cell that changed is processed, without a model.",
  "patch-diff": "Every cell that changed is processed, without a model.",
};

/** What it says where there is no frame. @type {Partial<Record<PlayerState, string>>} */
const NOTHING = { stopped: "Nothing is playing", "needs-file": "Choose a video or a picture" };

export class Headline {
  #now = element("headline-now", HTMLElement);
  #bar = element("headline-bar", HTMLElement);
  #total = element("headline-total", HTMLElement);
  #running = new RunningTotal();

  /** @param {{ view: LiveView, settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor({ view, settings, player, maskSource }) {
    view.on("frame", (report) => {
      this.#running.add(report);
      this.#show(report);
    });
    view.on("redraw", (report) => this.#show(report));
    player.on("opening", () => this.#restart());
    player.on("state", (state) => {
      const text = NOTHING[state];
      if (text) this.#restart(text);
    });
    const chooser = element("headline-source", HTMLElement);
    const showChooser = () => {
      const isWanted = settings.values["mask-source"] === "autogaze" && settings.values["load-model"];
      const isWaiting = isWanted || maskSource.chosen === "autogaze";
      showText(chooser, CHOOSERS[maskSource.backend ? "autogaze" : isWaiting ? "waiting" : "patch-diff"]);
    };
    maskSource.on("active", showChooser);
    maskSource.on("chosen", showChooser);
    follow(settings, showChooser);
  }

  /** @param {FrameReport} report */
  #show(report) {
    const share = shareOf(report);
    showText(this.#now, share ? shareText(share) : "AutoGaze is looking at its first frame…");
    if (share) this.#bar.style.setProperty("--share", String(Math.min(share.used / share.all, 1)));
    const { total } = this.#running;
    showText(this.#total, total ? totalText(total) : "");
  }

  /** @param {string} [text] */
  #restart(text = "Starting…") {
    this.#running.restart();
    showText(this.#now, text);
    showText(this.#total, "");
    this.#bar.style.setProperty("--share", "0");
  }
}
