/** FXCH: exchanges ST(0) and ST(i). SDM Vol. 2A, "FXCH—Exchange Register Contents". */

import { INDEFINITE } from "../../x87/execution.ts";
import { x87Instruction } from "../../x87/instruction.ts";
import { exactly } from "../../x87/patterns.ts";

export const FXCH = x87Instruction("FXCH", {
  forms: [
    ["D9 C8+i", "ST(i)"],
    // Reserved, and the same on every processor.
    ["DD C8+i", "ST(i)"],
    ["DF C8+i", "ST(i)"],
  ],
  operation: (x) => {
    const { unit } = x;
    const index = x.stackIndex(0);
    const valueOf = (i: number) => (unit.isEmpty(i) ? INDEFINITE : unit.st(i));
    const exchange = (): void => {
      const [top, other] = [valueOf(0), valueOf(index)];
      unit.setSt(0, other);
      unit.setSt(index, top);
    };
    if (unit.isEmpty(0) || unit.isEmpty(index)) return x.stackFault("underflow", exchange);
    return x.complete(exactly(null), exchange);
  },
});
