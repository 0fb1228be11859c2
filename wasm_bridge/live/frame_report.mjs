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
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [camelCase(name), value]));
}

/**
 * The same values under names of JavaScript, in objects and lists within it, too; typed arrays stay as they are.
 * @param {any} value
 * @returns {any}
 */
export function deepCamelCased(value) {
  if (Array.isArray(value)) return value.map(deepCamelCased);
  if (value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [camelCase(name), deepCamelCased(each)]),
  );
}

/** @param {string} name */
function camelCase(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
