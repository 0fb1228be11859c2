/**
 * Reads options as the page does, for a test that compares it with Python: `{ values, queries }` as JSON from
 * the standard input, the parsed ones as JSON on the standard output.
 * @module
 */

import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseQuery, parseValue } from "../../web/settings/options.mjs";

/** @type {import("../../web/settings/options.mjs").OptionTable} */
const table = JSON.parse(
  await readFile(new URL("../../py/autogaze_web/options.json", import.meta.url), "utf-8"),
);
/** @type {{ values: Record<string, string[]>, queries: string[] }} */
const { values, queries } = JSON.parse(await text(process.stdin));
const parsed = [...table.options, ...table.shorthands].map((option) => [
  option.name,
  (values[option.name] ?? []).map((given) => parseValue(option, given) ?? null),
]);
process.stdout.write(
  JSON.stringify({
    values: Object.fromEntries(parsed),
    queries: queries.map((query) => parseQuery(table, query)),
  }),
);
