/** An instruction: the rows of its manual entry and what it does. One file each, in isa/. */

import type { FeatureName } from "./cpuid/features.ts";
import { type Form, type FormRow, parseRow } from "./forms.ts";
import { type Operand, operandOf, Semantics, type Variant } from "./semantics.ts";
import type { MicroOp, StatusFlag } from "./uop.ts";

export interface InstructionText {
  /** The rows of the manual's table, line for line. */
  readonly forms: readonly FormRow[];
  /** CPUs without it have not the instruction: the bytes are #UD, or what they were before. A row can name its own. */
  readonly feature?: FeatureName;
  /** LOCK is allowed with a destination in memory. */
  readonly lock?: boolean;
  /** Repeat prefixes have their meaning: REP, or REPE and REPNE. */
  readonly repeat?: "rep" | "repe";
  /** Flags that the manual leaves undefined; comparisons mask them, a CPU profile decides them. */
  readonly undefined?: readonly StatusFlag[];
  /** Runs once for each form and variant; see semantics.ts. */
  readonly semantics: (u: Semantics, ...operands: readonly Operand[]) => void;
}

export interface Instruction extends Omit<InstructionText, "forms"> {
  readonly mnemonic: string;
  readonly forms: readonly Form[];
}

export function instruction(mnemonic: string, text: InstructionText): Instruction {
  const { feature = null } = text;
  const forms = text.forms.flatMap((row) => parseRow(mnemonic, row));
  return {
    ...text,
    mnemonic,
    forms: forms.map((form) => ({ ...form, feature: form.feature ?? feature })),
  };
}

/** The micro-ops of one form in one variant. Throws AssertionError when they are not well-formed. */
export function record(of: Instruction, form: Form, variant: Variant): readonly MicroOp[] {
  const u = new Semantics(variant);
  of.semantics(u, ...form.operands.map((spec, i) => operandOf(spec, i, variant)));
  return u.finish();
}
