/**
 * The synthetic sources: Python draws their frames (`py/autogaze_web/frames/synthetic.py`); this module is their clock.
 * @module
 */

/** @import { Source, SourceSetup } from "./source.mjs" */

const OWN_SIZE = /** @type {const} */ ([640, 360]);
const FRAMES_PER_SECOND = 30;

/**
 * @param {string} name such as `synthetic-pan`
 * @param {SourceSetup} setup
 * @returns {Source}
 */
export function openSynthetic(name, { size, events }) {
  let index = 0;
  return ticking(
    FRAMES_PER_SECOND,
    async () => ({ synthetic: name, index: index++, ...size(...OWN_SIZE) }),
    events.onPicture,
  );
}

/**
 * A source whose pictures come at a fixed rate.
 *
 * @param {number} framesPerSecond
 * @param {Source["capture"]} capture
 * @param {() => void} onPicture
 * @returns {Source}
 */
export function ticking(framesPerSecond, capture, onPicture) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const resume = () => {
    timer ??= setInterval(onPicture, 1000 / framesPerSecond);
  };
  const pause = () => {
    clearInterval(timer);
    timer = undefined;
  };
  resume();
  return { capture, pause, resume, close: pause };
}
