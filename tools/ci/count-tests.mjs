/**
 * Adds up the JSON reports of vitest runs and prints `tests: N passed, N failed`.
 * Usage: node tools/ci/count-tests.mjs <report.json>... It is plain JavaScript, since it must also
 * speak when the build is broken. A report that is missing or damaged counts as one failure.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * @param {string | undefined} text a report, as vitest's json reporter writes it
 * @returns {{ passed: number, failed: number }}
 */
export function countReport(text) {
  try {
    const report = JSON.parse(text ?? "");
    // A file that fails while it is loaded has no test of its own to blame.
    const silent = report.testResults.filter(
      (file) =>
        file.status === "failed" && !file.assertionResults.some((one) => one.status === "failed"),
    ).length;
    const failed = report.numFailedTests + silent;
    const passed = report.numPassedTests;
    if (!Number.isSafeInteger(passed + failed)) return { passed: 0, failed: 1 };
    return { passed, failed: failed === 0 && report.success !== true ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** @param {readonly (string | undefined)[]} texts */
export function closingLine(texts) {
  const counts = texts.map(countReport);
  const passed = counts.reduce((sum, one) => sum + one.passed, 0);
  const failed = counts.reduce((sum, one) => sum + one.failed, 0);
  return { line: `tests: ${passed} passed, ${failed} failed`, ok: passed > 0 && failed === 0 };
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

if (path.resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  const { line, ok } = closingLine(process.argv.slice(2).map(readIfThere));
  console.log(line);
  if (!ok) process.exitCode = 1;
}
