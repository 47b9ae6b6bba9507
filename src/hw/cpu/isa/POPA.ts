/** POPA, POPAD: pop all general-purpose registers. SDM Vol. 2B, "POPA/POPAD—Pop All General-Purpose Registers". */

import { type Instruction, instruction } from "../instruction.ts";
import { GPR_NAMES } from "../uop.ts";

const popAll = (mnemonic: string, width: 16 | 32): Instruction =>
  instruction(mnemonic, {
    forms: [["61", "", { sizes: [width], modes: "I/V" }]],
    semantics: (u) => {
      const { stackSize } = u.variant;
      const start = u.gpr("rSP", stackSize);
      // In the order of the stack, which shows in the address of a fault.
      const order = GPR_NAMES.slice(0, 8).toReversed();
      const popped = order.map((gpr, i) => {
        const offset = u.add(start, u.const(stackSize, (i * width) / 8));
        return { gpr, value: u.load("SS", offset, width) };
      });
      u.setGpr("rSP", u.add(start, u.const(stackSize, width)));
      // What was pushed of rSP is read and dropped.
      for (const { gpr, value } of popped) if (gpr !== "rSP") u.setGpr(gpr, value);
    },
  });

export const POPA: readonly Instruction[] = [popAll("POPA", 16), popAll("POPAD", 32)];
