/** POPF, POPFD, POPFQ: pop the flags. SDM Vol. 2B, "POPF/POPFD/POPFQ—Pop Stack Into EFLAGS Register". */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0 } from "../fault.ts";
import { commitFlags, popFlags } from "../flag-writes.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { isFault } from "../mmu.ts";
import { iopl, isVirtual8086, stackSizeOf } from "../mode.ts";
import { setStackPointer } from "../transfer/stack.ts";

const RSP = 4;

function pop(context: AssistContext): Fault | null {
  const { state, decoded } = context;
  if (isVirtual8086(state) && iopl(state) < 3) return GP0;
  const intercepted = context.intercepted("POPF");
  if (intercepted !== null) return intercepted;
  const bytes = decoded.operandSize / 8;
  const size = stackSizeOf(state);
  const top = BigInt.asUintN(size, state.gpr(RSP));
  const image = context.load("SS", top, bytes);
  if (isFault(image)) return image;
  setStackPointer(state, top + BigInt(bytes), size);
  commitFlags(context, popFlags(state, image, decoded.operandSize, "POPF"));
  return null;
}

export const POPF: readonly Instruction[] = [
  instruction("POPF", { forms: [["9D", "", { sizes: [16] }]], semantics: (u) => u.assist(pop) }),
  instruction("POPFD", {
    forms: [["9D", "", { sizes: [32], modes: "NE/V" }]],
    semantics: (u) => u.assist(pop),
  }),
  instruction("POPFQ", {
    forms: [["9D", "", { sizes: [64], default64: true, modes: "V/NE" }]],
    semantics: (u) => u.assist(pop),
  }),
];
