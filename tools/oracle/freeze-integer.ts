/**
 * Freezes this machine's answers for the integer instructions into fixtures/native, a file for each manual entry.
 * `node dist/tools/oracle/freeze-integer.js [cases a form]`, from the package's folder.
 */

import process from "node:process";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { freeze } from "./freeze.ts";
import { formsToAsk, isInteger } from "./integer-forms.ts";
import { findOracle } from "./native.ts";

const CASES_PER_FORM = 8;

function main(): void {
  const oracle = findOracle();
  if (oracle.kind === "unavailable") {
    process.stderr.write(`${oracle.reason}\n`);
    process.exitCode = 2;
    return;
  }
  const casesPerForm = Number(process.argv[2] ?? CASES_PER_FORM);
  const date = new Date().toISOString().slice(0, 10);
  const folder = "fixtures/native";
  const forms = INSTRUCTIONS.flatMap((instruction) => [
    ...formsToAsk(instruction, isInteger, 64),
    ...formsToAsk(instruction, isInteger, 32),
  ]);
  const report = freeze(forms, { oracle, folder, casesPerForm, date });
  for (const reason of report.leftOut) process.stdout.write(`left out: ${reason}\n`);
  process.stdout.write(`${report.files} files, ${report.cases} cases, ${report.bytes} bytes\n`);
}

main();
