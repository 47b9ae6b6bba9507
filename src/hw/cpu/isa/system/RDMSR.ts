/** RDMSR: read from model specific register. SDM Vol. 2B, "RDMSR—Read From Model Specific Register". */

import { GP0 } from "../../fault.ts";
import { readMsr } from "../../msr/access.ts";
import { privilegedInstruction, RCX, writePair } from "../../system.ts";

export const RDMSR = privilegedInstruction(
  "RDMSR",
  { feature: "MSR", forms: [["0F 32", ""]] },
  (context) => {
    const value = readMsr(context, Number(BigInt.asUintN(32, context.state.gpr(RCX))));
    if (value === null) return GP0;
    writePair(context.state, value);
    return null;
  },
);
