/**
 * A reporter for Node's test runner: what failed, how many tests passed, and with `--experimental-test-coverage`
 * how much of each module under test they run. Coverage below a floor fails the run.
 * @module
 */

import { relative } from "node:path";

/** Floors, a little below what there is: modules that tests load, and percentages of their lines and branches. */
const FLOORS = { modules: 51, lines: 89, branches: 92 };
const SOURCES = /^(web|wasm_bridge)\//;

/** @typedef {{ path: string, totalLineCount: number, coveredLineCount: number, totalBranchCount: number, coveredBranchCount: number }} FileCoverage */

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* report(events) {
  const counts = { passed: 0, failed: 0 };
  let coverage = "";
  for await (const { type, data } of events) {
    if (type === "test:coverage") coverage = coverageReport(data.summary.files);
    // A suite passes and fails with its tests.
    if (data.details?.type === "suite") continue;
    if (type === "test:pass") counts.passed += 1;
    if (type === "test:fail") {
      counts.failed += 1;
      const { cause, stack } = data.details.error;
      yield `\n${data.file ?? ""}: ${data.name}\n${cause?.stack ?? cause ?? stack}\n`;
    }
  }
  yield `${coverage}${counts.failed > 0 ? `${counts.failed} failed, ` : ""}${counts.passed} passed in Node\n`;
}

/** @param {FileCoverage[]} all */
function coverageReport(all) {
  const files = all
    .map((file) => ({ ...file, path: relative(process.cwd(), file.path) }))
    .filter(({ path }) => SOURCES.test(path) && !path.includes("node_modules"))
    .sort((one, other) => one.path.localeCompare(other.path));
  let report = "Coverage of the JavaScript that is tested in Node, in percent:\n  lines  branches\n";
  for (const file of files) report += `${row([file])}  ${file.path}\n`;
  report += `${row(files)}  ${files.length} modules\n`;
  const reached = { modules: files.length, ...percentages(files) };
  for (const [name, floor] of Object.entries(FLOORS)) {
    const value = reached[/** @type {keyof typeof reached} */ (name)];
    if (value >= floor) continue;
    report += `error: coverage of ${name} is ${value.toFixed(1)}, but was at least ${floor}: test what was added.\n`;
    process.exitCode = 1;
  }
  return report;
}

/** @param {FileCoverage[]} files */
function percentages(files) {
  const sum = (/** @type {keyof FileCoverage} */ name) =>
    files.reduce((total, file) => total + Number(file[name]), 0);
  const share = (/** @type {number} */ covered, /** @type {number} */ total) =>
    total === 0 ? 100 : (100 * covered) / total;
  return {
    lines: share(sum("coveredLineCount"), sum("totalLineCount")),
    branches: share(sum("coveredBranchCount"), sum("totalBranchCount")),
  };
}

/** @param {FileCoverage[]} files */
function row(files) {
  const { lines, branches } = percentages(files);
  return `${lines.toFixed(1).padStart(7)}${branches.toFixed(1).padStart(10)}`;
}
