/**
 * Waiting for the first frame of a source.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { PlayerState, SourcePlayer } from "./source_player.mjs" */

/**
 * Resolves after the first frame, or as soon as the source is not about to bring one.
 * @param {Pick<LiveView, "on">} view
 * @param {Pick<SourcePlayer, "on" | "state">} player
 * @returns {Promise<void>}
 */
export function firstFrame(view, player) {
  const listening = new AbortController();
  const { signal } = listening;
  return new Promise((resolve) => {
    const end = () => {
      listening.abort();
      resolve();
    };
    const check = (/** @type {PlayerState} */ state) => {
      if (state !== "opening" && state !== "running") end();
    };
    view.on("frame", end, { signal });
    view.on("frame-error", end, { signal });
    player.on("state", check, { signal });
    check(player.state);
  });
}
