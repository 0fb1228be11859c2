/**
 * Python's reports on frames, with the names of JavaScript.
 * @module
 */

/** @import { FrameReport } from "./protocol.mjs" */

/**
 * @param {string} text JSON of `PageSession.process` in `py/autogaze_web/page/live_session.py`
 * @returns {FrameReport}
 */
export function parseReport(text) {
  const report = camelCased(JSON.parse(text));
  if (report.compared) report.compared = camelCased(report.compared);
  return report;
}

/**
 * The same values under names of JavaScript; the names within them stay.
 * @param {Record<string, any>} entries
 * @returns {any}
 */
export function camelCased(entries) {
  return Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
  );
}
