/**
 * Compares the simulated CPU with this machine's: every form that can be asked, random states, both engines.
 * `node dist/tools/oracle/compare.js [cases a form] [manual entries, a regular expression]`; exits with 1 when there is a difference that
 * coverage/native-differences.md does not declare.
 */

import process from "node:process";
import { disagreement } from "./agreement.ts";
import type { FormToFreeze } from "./freeze.ts";
import { formsOf, GROUPS } from "./groups.ts";
import { ENGINES } from "./model.ts";
import { findOracle, type Oracle, refusal, runNative } from "./native.ts";
import type { NativeCase } from "./records.ts";
import { vectorInput } from "./vectors.ts";

interface Tally {
  forms: number;
  cases: number;
  faults: number;
  differing: number;
}

const INTERPRETED_ONE_IN = 8;

function compareForm(oracle: Oracle, form: FormToFreeze, count: number, tally: Tally): void {
  const inputs: NativeCase[] = [];
  for (let seed = 0; seed < count; seed += 1) {
    const encoding = form.encodings(seed);
    if (encoding === undefined || refusal(encoding.code, form.mode) !== undefined) continue;
    inputs.push(vectorInput(form.mnemonic, form.form, form.mode, { seed, ...encoding }));
  }
  tally.forms += 1;
  const shown = new Set<string>();
  runNative(oracle, inputs).forEach((native, i) => {
    const input = inputs[i] as NativeCase;
    tally.cases += 1;
    if (native.outcome === "fault") tally.faults += 1;
    const engines = i % INTERPRETED_ONE_IN === 0 ? ENGINES : ENGINES.slice(0, 1);
    const found = disagreement(form.mnemonic, input, native, engines);
    if (found.length === 0) return;
    tally.differing += 1;
    const kind = found.map((line) => line.split(":")[0]).join(" ");
    if (shown.has(kind)) return;
    shown.add(kind);
    const code = Buffer.from(input.code).toString("hex");
    process.stdout.write(`${form.mode} ${form.form}: ${code}\n  ${found.join("\n  ")}\n`);
  });
}

function main(): void {
  const oracle = findOracle();
  if (oracle.kind === "unavailable") {
    process.stderr.write(`${oracle.reason}\n`);
    process.exitCode = 2;
    return;
  }
  const count = Number(process.argv[2] ?? 200);
  const only = new RegExp(`^(${process.argv[3] ?? ".*"})$`);
  const tally: Tally = { forms: 0, cases: 0, faults: 0, differing: 0 };
  for (const form of GROUPS.flatMap(formsOf)) {
    if (only.test(form.mnemonic)) compareForm(oracle, form, count, tally);
  }
  process.stdout.write(
    `${tally.forms} forms, ${tally.cases} cases, ${tally.faults} faults, ${tally.differing} differ\n`,
  );
  if (tally.differing > 0) process.exitCode = 1;
}

main();
