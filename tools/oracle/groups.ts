/**
 * The groups in which answers are frozen, each a folder of fixtures/native: an entry's name can mean an instruction
 * in more than one, as MOVSD does.
 */

import type { Form } from "../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import type { Instruction } from "../../src/hw/cpu/instruction.ts";
import type { FormToFreeze } from "./freeze.ts";
import { formsToAsk, isInteger } from "./integer-forms.ts";
import type { Mode } from "./records.ts";
import { isVectorForm } from "./vector-hints.ts";
import { isMmxForm, isX87Form } from "./x87-hints.ts";
import { isXsaveForm } from "./xsave-hints.ts";

const PREDICATES = {
  xsave: isXsaveForm,
  mmx: isMmxForm,
  x87: isX87Form,
  sse: isVectorForm,
  integer: isInteger,
} as const;

export type Group = keyof typeof PREDICATES;
export const GROUPS = ["integer", "sse", "x87", "mmx", "xsave"] as const satisfies readonly Group[];

/** The first whose predicate holds. */
function groupOf(instruction: Instruction, form: Form): string | undefined {
  return Object.entries(PREDICATES).find(([, holds]) => holds(instruction, form))?.[0];
}

const MODES: readonly Mode[] = [64, 32];

/** Every form of the group, in both modes. */
export function formsOf(group: Group): readonly FormToFreeze[] {
  const isWanted = (instruction: Instruction, form: Form): boolean =>
    groupOf(instruction, form) === group;
  return INSTRUCTIONS.flatMap((entry) =>
    MODES.flatMap((mode) => formsToAsk(entry, isWanted, mode)),
  );
}
