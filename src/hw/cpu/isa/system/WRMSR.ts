/** WRMSR: write to model specific register. SDM Vol. 2D, "WRMSR—Write to Model Specific Register". */

import { GP0 } from "../../fault.ts";
import { writeMsr } from "../../msr/access.ts";
import { privilegedInstruction, RCX, readPair } from "../../system.ts";

export const WRMSR = privilegedInstruction(
  "WRMSR",
  { feature: "MSR", forms: [["0F 30", ""]] },
  (context) => {
    const { state, virtualization } = context;
    const number = Number(BigInt.asUintN(32, state.gpr(RCX)));
    const intercepted = state.isGuest ? virtualization?.msr(context, number, true) : null;
    if (intercepted) return intercepted;
    return writeMsr(context, number, readPair(state)) ? null : GP0;
  },
);
