/** VMXOFF: leave VMX operation. SDM Vol. 3, "VMXOFF—Leave VMX Operation". VMCSs that were not cleared before are lost. */

import { instructionExit } from "../../vmx/exit-information.ts";
import { REASON } from "../../vmx/reasons.ts";
import { succeed, vmxInstruction } from "../../vmx/vmx-instruction.ts";

export const VMXOFF = vmxInstruction(
  "VMXOFF",
  {
    forms: [["NP 0F 01 C4", ""]],
    exit: (context) => instructionExit(context, REASON.VMXOFF),
  },
  (context, vmx) => {
    vmx.vmcs.reset();
    vmx.forget();
    // INIT is held back no more.
    context.state.attention = true;
    return succeed(context);
  },
);
