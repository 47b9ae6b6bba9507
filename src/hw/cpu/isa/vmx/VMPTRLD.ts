/** VMPTRLD: load pointer to virtual-machine control structure. SDM Vol. 3, "VMPTRLD—Load Pointer to Virtual-Machine Control Structure". */

import { isFault } from "../../mmu.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { REVISION } from "../../vmx/vmcs.ts";
import {
  fail,
  NOWHERE,
  regionAddress,
  succeed,
  vmxInstruction,
} from "../../vmx/vmx-instruction.ts";

export const VMPTRLD = vmxInstruction(
  "VMPTRLD",
  {
    forms: [["NP 0F C7 /6", "m64", { sizes: [null] }]],
    exit: (context) => operandExit(context, REASON.VMPTRLD, 0),
  },
  (context, vmx) => {
    const { vmcs, physical } = vmx;
    const address = regionAddress(context);
    if (isFault(address)) return address;
    if (address === NOWHERE) return fail(context, vmx, INSTRUCTION_ERROR.vmptrldAddress);
    if (address === vmcs.vmxon) return fail(context, vmx, INSTRUCTION_ERROR.vmptrldVmxonPointer);
    if (physical.read32(address) !== REVISION)
      return fail(context, vmx, INSTRUCTION_ERROR.vmptrldRevision);
    vmx.load(address);
    return succeed(context);
  },
);
