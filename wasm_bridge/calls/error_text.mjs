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
  const text = textOf(error).trim();
  if (PYTHON_ENDED.test(text)) return "Python has ended: restart it under Python, or reload the page.";
  const lines = text.split("\n");
  const start = lines.findLastIndex((line) => EXCEPTION.test(line));
  if (start < 0) return lines.at(-1) || text;
  return lines.slice(start).join("\n").replace(EXCEPTION, "");
}

/** @param {unknown} error which for an exit of Python is no `Error` */
function textOf(error) {
  const { message } = /** @type {{ message?: unknown }} */ (error ?? {});
  return typeof message === "string" ? message : String(error);
}

const PYTHON_ENDED = /^(Pyodide already (exited|fatally failed)|Program terminated with exit)/;
const EXCEPTION = /^[\w.]*(Error|Exception): /;
