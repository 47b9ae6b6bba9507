/** RDMSR: read from model specific register. SDM Vol. 2B, "RDMSR—Read From Model Specific Register". */

import { GP0 } from "../../fault.ts";
import { readMsr } from "../../msr/access.ts";
import { privilegedInstruction, RCX, writePair } from "../../system.ts";

export const RDMSR = privilegedInstruction(
  "RDMSR",
  { feature: "MSR", forms: [["0F 32", ""]] },
  (context) => {
    const { state, virtualization } = context;
    const number = Number(BigInt.asUintN(32, state.gpr(RCX)));
    const intercepted = state.isGuest ? virtualization?.msr(context, number, false) : null;
    if (intercepted) return intercepted;
    const value = readMsr(context, number);
    if (value === null) return GP0;
    writePair(state, value);
    return null;
  },
);
