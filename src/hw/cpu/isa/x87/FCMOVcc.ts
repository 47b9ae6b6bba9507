/** FCMOVcc: ST(i) to ST(0) on a condition. SDM Vol. 2A, "FCMOVcc—Floating-Point Conditional Move". */

import type { Instruction } from "../../instruction.ts";
import { INDEFINITE } from "../../x87/execution.ts";
import { x87Instruction } from "../../x87/instruction.ts";

const [CF, PF, ZF] = [1n, 4n, 0x40n];

function conditional(mnemonic: string, opcode: string, flags: bigint, holds: boolean): Instruction {
  return x87Instruction(mnemonic, {
    feature: "CMOV",
    forms: [[opcode, "ST(0), ST(i)"]],
    operation: (x) => {
      const { unit } = x;
      const from = x.stackIndex(1);
      // A register that is empty is a fault whether it is moved or not.
      if (unit.isEmpty(0) || unit.isEmpty(from))
        return x.stackFault("underflow", () => unit.setSt(0, INDEFINITE));
      const isSet = (x.context.state.rflags & flags) !== 0n;
      if (isSet === holds) unit.setSt(0, unit.st(from));
      return null;
    },
  });
}

export const FCMOVcc: readonly Instruction[] = [
  conditional("FCMOVB", "DA C0+i", CF, true),
  conditional("FCMOVE", "DA C8+i", ZF, true),
  conditional("FCMOVBE", "DA D0+i", CF | ZF, true),
  conditional("FCMOVU", "DA D8+i", PF, true),
  conditional("FCMOVNB", "DB C0+i", CF, false),
  conditional("FCMOVNE", "DB C8+i", ZF, false),
  conditional("FCMOVNBE", "DB D0+i", CF | ZF, false),
  conditional("FCMOVNU", "DB D8+i", PF, false),
];
