/** PUSHA, PUSHAD: push all general-purpose registers. SDM Vol. 2B, "PUSHA/PUSHAD—Push All General-Purpose Registers". */

import { type Instruction, instruction } from "../instruction.ts";
import { GPR_NAMES } from "../uop.ts";

const pushAll = (mnemonic: string, width: 16 | 32): Instruction =>
  instruction(mnemonic, {
    forms: [["60", "", { sizes: [width], modes: "I/V" }]],
    semantics: (u) => {
      const { stackSize } = u.variant;
      const start = u.gpr("rSP", stackSize);
      const places = GPR_NAMES.slice(0, 8).map((gpr, i) => {
        const offset = u.sub(start, u.const(stackSize, ((i + 1) * width) / 8));
        // All places are tried before the first is written.
        u.load("SS", offset, width);
        return { gpr, offset };
      });
      for (const { gpr, offset } of places) u.store("SS", offset, u.gpr(gpr, width));
      u.setGpr("rSP", u.sub(start, u.const(stackSize, width)));
    },
  });

export const PUSHA: readonly Instruction[] = [pushAll("PUSHA", 16), pushAll("PUSHAD", 32)];
