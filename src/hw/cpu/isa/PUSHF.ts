/** PUSHF, PUSHFD, PUSHFQ: push the flags. SDM Vol. 2B, "PUSHF/PUSHFD/PUSHFQ—Push EFLAGS Register Onto the Stack". */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0 } from "../fault.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { iopl, isVirtual8086, stackSizeOf } from "../mode.ts";
import { RFLAGS } from "../state.ts";
import { setStackPointer } from "../transfer/stack.ts";

const RSP = 4;

/** RF and VM are pushed as clear. */
function push(context: AssistContext): Fault | null {
  const { state, decoded } = context;
  if (isVirtual8086(state) && iopl(state) < 3) return GP0;
  const intercepted = context.intercepted("PUSHF");
  if (intercepted !== null) return intercepted;
  const size = stackSizeOf(state);
  const bytes = decoded.operandSize / 8;
  const top = BigInt.asUintN(size, state.gpr(RSP) - BigInt(bytes));
  const image = BigInt.asUintN(decoded.operandSize, state.rflags & ~(RFLAGS.RF | RFLAGS.VM));
  const fault = context.store("SS", top, bytes, image);
  if (fault === null) setStackPointer(state, top, size);
  return fault;
}

export const PUSHF: readonly Instruction[] = [
  instruction("PUSHF", { forms: [["9C", "", { sizes: [16] }]], semantics: (u) => u.assist(push) }),
  instruction("PUSHFD", {
    forms: [["9C", "", { sizes: [32], modes: "NE/V" }]],
    semantics: (u) => u.assist(push),
  }),
  instruction("PUSHFQ", {
    forms: [["9C", "", { sizes: [64], default64: true, modes: "V/NE" }]],
    semantics: (u) => u.assist(push),
  }),
];
