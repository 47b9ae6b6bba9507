/** VMCLEAR: clear virtual-machine control structure. SDM Vol. 3, "VMCLEAR—Clear Virtual-Machine Control Structure". */

import { isFault } from "../../mmu.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import {
  fail,
  NOWHERE,
  regionAddress,
  succeed,
  vmxInstruction,
} from "../../vmx/vmx-instruction.ts";

export const VMCLEAR = vmxInstruction(
  "VMCLEAR",
  {
    forms: [["66 0F C7 /6", "m64", { sizes: [null] }]],
    exit: (context) => operandExit(context, REASON.VMCLEAR, 0),
  },
  (context, vmx) => {
    const address = regionAddress(context);
    if (isFault(address)) return address;
    if (address === NOWHERE) return fail(context, vmx, INSTRUCTION_ERROR.vmclearAddress);
    if (address === vmx.vmcs.vmxon)
      return fail(context, vmx, INSTRUCTION_ERROR.vmclearVmxonPointer);
    vmx.clear(address);
    return succeed(context);
  },
);
