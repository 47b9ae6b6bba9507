/**
 * Compares the simulated CPU with this machine's: every form of the integer and SSE instructions, random states, both engines.
 * `node dist/tools/oracle/compare.js [cases a form] [mnemonics, a regular expression]`; exits with 1 when there is a difference that
 * coverage/native-differences.md does not declare.
 */

import process from "node:process";
import type { Form } from "../../src/hw/cpu/forms.ts";
import type { Instruction } from "../../src/hw/cpu/instruction.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { type FormToFreeze } from "./freeze.ts";
import { formsToAsk, isInteger } from "./integer-forms.ts";
import { type Answer, differences, ENGINES, isBeyondLimit, runModel } from "./model.ts";
import { findOracle, type Oracle, refusal, runNative } from "./native.ts";
import type { NativeCase, NativeResult } from "./records.ts";
import { vectorInput } from "./vectors.ts";
import { isX87Form } from "./x87-hints.ts";
import { isApproximate, isPlaceInPage, LONG_OPERAND, TRANSCENDENTAL } from "./x87-differences.ts";

interface Tally {
  forms: number;
  cases: number;
  faults: number;
  differing: number;
}

/** Approximations, of which the manual leaves the bits open. */
const APPROXIMATE = /^R(CP|SQRT)[PS]S$/;

/** Differences that coverage/native-differences.md declares, by mnemonic. */
function isDeclared(mnemonic: string, line: string): boolean {
  if (APPROXIMATE.test(mnemonic)) return line.startsWith("XMM");
  if (TRANSCENDENTAL.test(mnemonic)) return isApproximate(line);
  return LONG_OPERAND.test(mnemonic) && isPlaceInPage(line);
}

const isAskedIn32 = (instruction: Instruction, form: Form): boolean =>
  isInteger(instruction, form) || isX87Form(instruction, form);

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
    const found = compareCase(input, native, i % INTERPRETED_ONE_IN === 0).filter(
      (line) => !isDeclared(form.mnemonic, line),
    );
    if (found.length === 0) return;
    tally.differing += 1;
    const kind = found.map((line) => line.split(":")[0]).join(" ");
    if (shown.has(kind)) return;
    shown.add(kind);
    const code = Buffer.from(input.code).toString("hex");
    process.stdout.write(`${form.mode} ${form.form}: ${code}\n  ${found.join("\n  ")}\n`);
  });
}

function compareCase(input: NativeCase, native: NativeResult, isBoth: boolean): readonly string[] {
  let ignored = 0n;
  for (const engine of isBoth ? ENGINES : ENGINES.slice(0, 1)) {
    const answer: Answer = runModel(engine, input);
    if (engine === "reference") ignored = answer.undefinedFlags;
    const found = differences(native, answer, ignored);
    if (found.length > 0 && !(input.mode === 32 && isBeyondLimit(native, answer))) return found;
  }
  return [];
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
  for (const instruction of INSTRUCTIONS) {
    if (!only.test(instruction.mnemonic)) continue;
    const forms = [...formsToAsk(instruction), ...formsToAsk(instruction, isAskedIn32, 32)];
    for (const form of forms) compareForm(oracle, form, count, tally);
  }
  process.stdout.write(
    `${tally.forms} forms, ${tally.cases} cases, ${tally.faults} faults, ${tally.differing} differ\n`,
  );
  if (tally.differing > 0) process.exitCode = 1;
}

main();
