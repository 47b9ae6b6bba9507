/** FNSTSW: stores the status word; FSTSW is WAIT and this. SDM Vol. 2A, "FSTSW/FNSTSW—Store x87 FPU Status Word". */

import { x87Instruction } from "../../x87/instruction.ts";

const RAX = 0;

export const FSTSW = x87Instruction("FNSTSW", {
  forms: [
    ["DD /7", "m2byte"],
    ["DF E0", "AX", { sizes: [null] }],
  ],
  kind: "noWait",
  operation: (x) => {
    const status = BigInt(x.unit.status);
    if (x.isInMemory) return x.storeInteger(2, status);
    const { state } = x.context;
    state.setGpr(RAX, (state.gpr(RAX) & ~0xffffn) | status);
    return null;
  },
});
