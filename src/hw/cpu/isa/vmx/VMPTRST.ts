/** VMPTRST: store pointer to virtual-machine control structure. SDM Vol. 3, "VMPTRST—Store Pointer to Virtual-Machine Control Structure". */

import { operandExit } from "../../vmx/exit-information.ts";
import { REASON } from "../../vmx/reasons.ts";
import { succeed, vmxInstruction } from "../../vmx/vmx-instruction.ts";

export const VMPTRST = vmxInstruction(
  "VMPTRST",
  {
    forms: [["NP 0F C7 /7", "m64", { sizes: [null] }]],
    exit: (context) => operandExit(context, REASON.VMPTRST, 0),
  },
  (context, { vmcs }) => {
    const value = BigInt.asUintN(64, BigInt(vmcs.current));
    return context.store("effective", context.offset(0), 8, value) ?? succeed(context);
  },
);
