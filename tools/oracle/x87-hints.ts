/** What the rows of the x87 and MMX instructions are to find in registers and memory. */

import type { Form } from "../../src/hw/cpu/forms.ts";
import type { Instruction } from "../../src/hw/cpu/instruction.ts";
import type { Draws } from "./draws.ts";
import type { InputHints, MemoryHint } from "./inputs.ts";

const isEscape = ({ map, opcode }: Form): boolean => map === 0 && (opcode & 0xf8) === 0xd8;
const isMmx = ({ operands }: Form): boolean => operands.some(({ kind }) => kind.startsWith("mmx"));

export const isMmxForm = ({ mnemonic }: Instruction, form: Form): boolean =>
  isMmx(form) || mnemonic === "EMMS";

/** Of the x87 unit, whose registers MMX shares. */
export const isX87Form = (instruction: Instruction, form: Form): boolean =>
  isEscape(form) || isMmxForm(instruction, form) || /^F?WAIT$/.test(instruction.mnemonic);

export function x87Hints({ mnemonic }: Instruction, form: Form, draws: Draws): InputHints {
  if (!isMmx(form)) return { x87: "stack" };
  if (mnemonic === "MASKMOVQ") return { x87: "mmx", memory: [{ base: 7, bytes: 8 }] };
  const isFloat = mnemonic.startsWith("CVT");
  return {
    x87: draws.chance(8) ? "stack" : "mmx",
    ...(isFloat ? { sse: draws.pick(["f32", "f64"]) } : {}),
  };
}

/** Null for a form that is none of these. */
export function x87Contents(
  instruction: Instruction,
  form: Form,
  draws: Draws,
): Pick<MemoryHint, "bytes" | "align" | "content"> | null {
  if (!isX87Form(instruction, form)) return null;
  const text =
    form.operands.find(({ allows, kind }) => allows === "memory" || kind.endsWith("Rm"))?.text ??
    "";
  switch (text) {
    case "m32fp":
      return { bytes: 4, content: "f32" };
    case "m64fp":
      return { bytes: 8, content: "f64" };
    case "m80fp":
      return { bytes: 10, content: "f80" };
    case "m80dec":
      return { bytes: 10, content: "bcd" };
    case "m80bcd":
      return { bytes: 10 };
    case "m2byte":
      return { bytes: 2, content: draws.chance(4) ? "int" : "x87env" };
    case "m14/28byte":
      return { bytes: form.operandSize === 16 ? 14 : 28, content: "x87env" };
    case "m94/108byte":
      return { bytes: form.operandSize === 16 ? 94 : 108, content: "x87env" };
    default: {
      const bits = Number(/m(\d+)/.exec(text)?.[1] ?? 64);
      const isFloat = /^CVTT?P[SD]2/.test(instruction.mnemonic);
      const bytes = bits / 8;
      const content = isFloat ? (instruction.mnemonic.includes("PD2") ? "f64" : "f32") : "int";
      return bytes === 16 ? { bytes, align: 16, content } : { bytes, content };
    }
  }
}
