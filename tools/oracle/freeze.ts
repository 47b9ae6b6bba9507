/**
 * Freezes the native oracle's answers: puts every instruction form it is given to this machine's CPU and
 * writes one file of vectors for each manual entry. The forms come from the decoder's tables.
 *
 * Each case is asked twice; what is answered differently depends on more than its input, and is reported,
 * not frozen.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { InputHints } from "./inputs.ts";
import { describeCpu, type Oracle, refusal, runNative } from "./native.ts";
import type { Mode, NativeResult } from "./records.ts";
import { encodeVectors, type Vector, type VectorGroup, vectorInput } from "./vectors.ts";

/** One encoding of a form, and what is known of its operands. */
export interface Encoding {
  readonly code: Uint8Array;
  readonly hints: InputHints;
}

export interface FormToFreeze {
  /** The manual entry, such as `ADD`; forms of one entry share a file. */
  readonly mnemonic: string;
  /** The encoding in the manual's notation. */
  readonly form: string;
  readonly mode: Mode;
  /** The encoding for a seed, or undefined to leave that seed out. */
  readonly encodings: (seed: number) => Encoding | undefined;
}

export interface FreezeOptions {
  readonly oracle: Oracle;
  /** Folder for the files, such as fixtures/native. */
  readonly folder: string;
  readonly casesPerForm: number;
  /** Recorded in each file, as YYYY-MM-DD. */
  readonly date: string;
  /** Recorded in each file: what asks, and in which version. */
  readonly tool: string;
}

export interface FreezeReport {
  readonly files: number;
  readonly bytes: number;
  readonly cases: number;
  /** Forms of which there are fewer cases than wanted, each with their number. */
  readonly short: readonly string[];
  /** Cases left out, each with the reason. */
  readonly leftOut: readonly string[];
}

/** File name for a manual entry: `ADD.vec.br`. */
export function vectorFileName(mnemonic: string): string {
  return `${mnemonic.replaceAll(/[^A-Za-z0-9]+/g, "_")}.vec.br`;
}

/** Why an answer, which was given twice, cannot be frozen. */
export function whyLeftOut(
  first: NativeResult,
  second: NativeResult | undefined,
): string | undefined {
  if (first.outcome === "refused") return "made a system call";
  if (!isDeepStrictEqual(first, second)) return "two answers differ";
  return first.touchedExtended ? "modified state beyond AVX" : undefined;
}

/** Seeds looked at for each case wanted, before a form is given up. */
const SEEDS_PER_CASE = 4;

/** Answers for as many seeds as it takes, from the first on. */
function freezeForm(form: FormToFreeze, options: FreezeOptions, leftOut: string[]): VectorGroup {
  const { casesPerForm } = options;
  const vectors: Vector[] = [];
  for (let seed = 0; seed < casesPerForm * SEEDS_PER_CASE; seed += casesPerForm) {
    for (const vector of askForm(form, seed, options, leftOut)) {
      if (vectors.length < casesPerForm) vectors.push(vector);
    }
    if (vectors.length === casesPerForm) break;
  }
  return { form: form.form, mode: form.mode, vectors };
}

const nameOf = ({ mnemonic, form, mode }: FormToFreeze): string =>
  `${mnemonic} ${form} (${mode}-bit)`;

/** Answers for the seeds from this one on, as many as cases are wanted. */
function askForm(
  form: FormToFreeze,
  firstSeed: number,
  { oracle, casesPerForm }: FreezeOptions,
  leftOut: string[],
): readonly Vector[] {
  const { mnemonic, mode } = form;
  const asked: Omit<Vector, "result">[] = [];
  for (let seed = firstSeed; seed < firstSeed + casesPerForm; seed++) {
    const encoding = form.encodings(seed);
    if (encoding === undefined) continue;
    const reason = refusal(encoding.code, mode);
    if (reason === undefined) asked.push({ seed, ...encoding });
    else leftOut.push(`${nameOf(form)}, seed ${seed}: ${reason}`);
  }
  const inputs = asked.map((vector) => vectorInput(mnemonic, form.form, mode, vector));
  const first = runNative(oracle, inputs);
  const second = runNative(oracle, inputs);

  const vectors: Vector[] = [];
  asked.forEach((vector, index) => {
    const result = first[index];
    if (result === undefined) return;
    const reason = whyLeftOut(result, second[index]);
    if (reason !== undefined) leftOut.push(`${nameOf(form)}, seed ${vector.seed}: ${reason}`);
    else vectors.push({ ...vector, result });
  });
  return vectors;
}

/** Asks the CPU and writes the files. */
export function freeze(forms: readonly FormToFreeze[], options: FreezeOptions): FreezeReport {
  const cpu = describeCpu(options.oracle);
  const byEntry = new Map<string, FormToFreeze[]>();
  for (const form of forms) {
    const known = byEntry.get(form.mnemonic);
    if (known === undefined) byEntry.set(form.mnemonic, [form]);
    else known.push(form);
  }

  mkdirSync(options.folder, { recursive: true });
  const leftOut: string[] = [];
  const short: string[] = [];
  let bytes = 0;
  let cases = 0;
  for (const [mnemonic, itsForms] of byEntry) {
    const groups = itsForms.map((form) => freezeForm(form, options, leftOut));
    itsForms.forEach((form, i) => {
      const there = groups[i]?.vectors.length ?? 0;
      if (there < options.casesPerForm) short.push(`${nameOf(form)}: ${there}`);
    });
    const { date, tool } = options;
    const encoded = encodeVectors({ mnemonic, cpu, date, tool, groups });
    writeFileSync(join(options.folder, vectorFileName(mnemonic)), encoded);
    bytes += encoded.length;
    for (const { vectors } of groups) cases += vectors.length;
  }
  return { files: byEntry.size, bytes, cases, short, leftOut };
}
