/**
 * What errors say to people.
 * @module
 */

/**
 * The message of a Python exception, which arrives as the end of a traceback and can have several lines, or
 * the last line of a JavaScript error's.
 * @param {unknown} error
 */
export function messageOf(error) {
  const text = (error instanceof Error ? error.message : String(error)).trim();
  const lines = text.split("\n");
  const start = lines.findLastIndex((line) => EXCEPTION.test(line));
  if (start < 0) return lines.at(-1) || text;
  return lines.slice(start).join("\n").replace(EXCEPTION, "");
}

const EXCEPTION = /^[\w.]*(Error|Exception): /;
