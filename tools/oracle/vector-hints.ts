/** What XMM registers and memory are to hold for the rows of the SSE instructions. */

import type { Form } from "../../src/hw/cpu/forms.ts";
import type { Instruction } from "../../src/hw/cpu/instruction.ts";
import type { Draws, Lanes } from "./draws.ts";
import type { InputHints, MemoryHint } from "./inputs.ts";

export const isVectorForm = ({ mnemonic }: Instruction, { operands }: Form): boolean =>
  operands.some(({ kind }) => /xmm/i.test(kind)) || mnemonic.endsWith("MXCSR");

/** By the names of the manual; now and then something else. */
function lanesFor({ mnemonic }: Instruction, draws: Draws): Lanes {
  if (draws.chance(8)) return "mixed";
  if (/^CVTT?DQ|^CVTSI|^P|^MOV(D|Q|DQA|DQU)$/.test(mnemonic)) return "int";
  if (/^CVTT?(PS|SS)/.test(mnemonic) || /(PS|SS)$/.test(mnemonic)) return "f32";
  return "f64";
}

export function vectorHints(instruction: Instruction, form: Form, draws: Draws): InputHints {
  const { mnemonic } = instruction;
  if (!isVectorForm(instruction, form)) return {};
  const hints: InputHints = { sse: lanesFor(instruction, draws) };
  if (mnemonic === "MASKMOVDQU") return { ...hints, memory: [{ base: 7, bytes: 16 }] };
  // Lengths of strings.
  if (mnemonic.startsWith("PCMPESTR") && !draws.chance(8)) {
    const registers = [0, 2].map((register) => ({ register, min: -18, max: 18 }));
    return { ...hints, registers };
  }
  return hints;
}

/** Null for an instruction that is none of these. */
export function vectorContents(
  instruction: Instruction,
  form: Form,
  draws: Draws,
): Pick<MemoryHint, "bytes" | "align" | "content"> | null {
  if (instruction.mnemonic === "LDMXCSR") return { bytes: 4, content: "mxcsr" };
  if (!isVectorForm(instruction, form)) return null;
  const operand = form.operands.find(({ kind }) => /^(xmmRm|rm|memory)$/.test(kind));
  const bytes = (operand?.memoryWidth ?? 128) / 8;
  const content = lanesFor(instruction, draws);
  return bytes === 16 ? { bytes, align: 16, content } : { bytes, content };
}
