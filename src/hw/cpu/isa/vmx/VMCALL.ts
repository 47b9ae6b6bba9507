/** VMCALL: call to VM monitor. SDM Vol. 3, "VMCALL—Call to VM Monitor". There is no dual-monitor treatment to call. */

import { instructionExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { fail, isWrongMode, refuse, vmxOf } from "../../vmx/vmx-instruction.ts";
import { systemInstruction, UD } from "../../system.ts";
import { GP0 } from "../../fault.ts";

/** In a guest it exits from any mode and any CPL. */
export const VMCALL = systemInstruction(
  "VMCALL",
  { feature: "VMX", forms: [["NP 0F 01 C1", ""]] },
  (context) => {
    const { state } = context;
    const vmx = vmxOf(context);
    if (vmx === null || !vmx.vmcs.isOperating)
      return refuse(context, "#UD", "the CPU is in VMX operation", UD);
    if (state.isGuest) return instructionExit(context, REASON.VMCALL);
    if (isWrongMode(context)) return refuse(context, "#UD", "64-bit or protected mode", UD);
    if (state.cpl !== 0) return refuse(context, "#GP(0)", "the CPL is 0", GP0);
    return fail(context, vmx, INSTRUCTION_ERROR.vmcallInRoot);
  },
);
