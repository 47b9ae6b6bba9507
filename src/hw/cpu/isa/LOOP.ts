/** LOOP, LOOPE, LOOPNE: loop with a counter. SDM Vol. 2A, "LOOP/LOOPcc—Loop According to ECX Counter". */

import { type Instruction, instruction } from "../instruction.ts";
import type { Semantics } from "../semantics.ts";
import type { Value } from "../uop.ts";

const loop = (
  mnemonic: string,
  opcode: string,
  condition: ((u: Semantics) => Value) | null,
): Instruction =>
  instruction(mnemonic, {
    forms: [
      [opcode, "rel8", { sizes: [16, 32], modes: "NE/V" }],
      [opcode, "rel8", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ],
    semantics: (u, operand) => {
      const { addressSize } = u.variant;
      const count = u.sub(u.gpr("rCX", addressSize), u.const(addressSize, 1));
      const isLeft = u.isNotZero(count);
      const taken = condition === null ? isLeft : u.and(isLeft, condition(u));
      const target = u.read(operand);
      u.checkTarget(target, taken);
      u.setGpr("rCX", count);
      u.jumpIf(taken, target);
    },
  });

export const LOOP: readonly Instruction[] = [
  loop("LOOP", "E2 cb", null),
  loop("LOOPE", "E1 cb", (u) => u.flag("ZF")),
  loop("LOOPNE", "E0 cb", (u) => u.not(u.flag("ZF"))),
];
