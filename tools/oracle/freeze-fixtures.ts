/**
 * Freezes this machine's answers into fixtures/native: a folder for each group, in it a file for each manual entry.
 * `node dist/tools/oracle/freeze-fixtures.js [cases a form] [group...]`, from the package's folder.
 */

import { readFileSync, rmSync } from "node:fs";
import process from "node:process";
import { freeze } from "./freeze.ts";
import { formsOf, type Group, GROUPS } from "./groups.ts";
import { INPUT_GENERATOR } from "./inputs.ts";
import { findOracle, type Oracle } from "./native.ts";
import { VECTORS_FORMAT } from "./vectors.ts";

const CASES_PER_FORM = 200;

/** The seeds are the numbers from 0 on; entry, form and mode are part of what a seed stands for. */
function freezeGroup(group: Group, oracle: Oracle, casesPerForm: number): void {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const tool = `kvmsim ${version} tools/oracle, generator ${INPUT_GENERATOR}, format ${VECTORS_FORMAT}`;
  const date = new Date().toISOString().slice(0, 10);
  const folder = `fixtures/native/${group}`;
  rmSync(folder, { recursive: true, force: true });
  const forms = formsOf(group);
  const report = freeze(forms, { oracle, folder, casesPerForm, date, tool });
  for (const reason of new Set(report.leftOut.map(withoutSeed))) {
    process.stdout.write(`left out: ${reason}\n`);
  }
  for (const form of report.short) process.stdout.write(`fewer than wanted: ${form}\n`);
  process.stdout.write(
    `${group}: ${forms.length} forms, ${report.files} files, ${report.cases} cases, ${report.bytes} bytes\n`,
  );
}

const withoutSeed = (reason: string): string => reason.replace(/, seed \d+/, "");

function main(): void {
  const oracle = findOracle();
  if (oracle.kind === "unavailable") {
    process.stderr.write(`${oracle.reason}\n`);
    process.exitCode = 2;
    return;
  }
  const casesPerForm = Number(process.argv[2] ?? CASES_PER_FORM);
  const only = process.argv.slice(3);
  for (const group of GROUPS) {
    if (only.length === 0 || only.includes(group)) freezeGroup(group, oracle, casesPerForm);
  }
}

main();
