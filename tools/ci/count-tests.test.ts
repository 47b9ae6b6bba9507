/** The closing line of a CI run never says less than what went wrong. */

import { expect, test } from "vitest";
import { closingLine, countReport } from "./count-tests.mjs";

const report = (passed: number, failed: number, files: readonly unknown[] = []): string =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    success: failed === 0,
    testResults: files,
  });

test("reports are added up", () => {
  expect(closingLine([report(3, 0), report(4, 0)])).toEqual({
    line: "tests: 7 passed, 0 failed",
    ok: true,
  });
  expect(closingLine([report(3, 1), report(4, 2)])).toEqual({
    line: "tests: 7 passed, 3 failed",
    ok: false,
  });
});

test("a missing, damaged or foreign report is a failure", () => {
  expect(countReport(undefined)).toEqual({ passed: 0, failed: 1 });
  expect(countReport("{")).toEqual({ passed: 0, failed: 1 });
  expect(countReport("{}")).toEqual({ passed: 0, failed: 1 });
  expect(countReport('{"testResults":[]}')).toEqual({ passed: 0, failed: 1 });
});

test("a file that does not load is a failure", () => {
  const broken = { status: "failed", assertionResults: [] };
  expect(countReport(report(3, 0, [broken]))).toEqual({ passed: 3, failed: 1 });
  const counted = { status: "failed", assertionResults: [{ status: "failed" }] };
  expect(countReport(report(3, 1, [counted]))).toEqual({ passed: 3, failed: 1 });
});

test("an error outside of any test is a failure", () => {
  const text = JSON.stringify({ ...JSON.parse(report(3, 0)), success: false });
  expect(countReport(text)).toEqual({ passed: 3, failed: 1 });
});

test("no test at all is not a success", () => {
  expect(closingLine([])).toEqual({ line: "tests: 0 passed, 0 failed", ok: false });
});
