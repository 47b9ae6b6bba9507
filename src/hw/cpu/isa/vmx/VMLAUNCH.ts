/** VMLAUNCH, VMRESUME: launch or resume a virtual machine. SDM Vol. 3, "VMLAUNCH/VMRESUME—Launch/Resume Virtual Machine". */

import type { Instruction } from "../../instruction.ts";
import { BLOCKING } from "../../state.ts";
import { instructionExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { fail, failInvalid, vmxInstruction } from "../../vmx/vmx-instruction.ts";

const entry = (name: "VMLAUNCH" | "VMRESUME", opcode: string): Instruction =>
  vmxInstruction(
    name,
    {
      forms: [[opcode, ""]],
      exit: (context) => instructionExit(context, REASON[name]),
    },
    (context, vmx) => {
      if (!vmx.hasCurrent) return failInvalid(context);
      if ((context.state.shadow & BLOCKING.movSs) !== 0)
        return fail(context, vmx, INSTRUCTION_ERROR.entryBlockedByMovSs);
      const { isLaunched } = vmx.vmcs;
      if (name === "VMLAUNCH" && isLaunched)
        return fail(context, vmx, INSTRUCTION_ERROR.vmlaunchNonClear);
      if (name === "VMRESUME" && !isLaunched)
        return fail(context, vmx, INSTRUCTION_ERROR.vmresumeNonLaunched);
      const error = vmx.enter();
      return error === 0 ? null : fail(context, vmx, error);
    },
  );

export const VMLAUNCH: readonly Instruction[] = [
  entry("VMLAUNCH", "NP 0F 01 C2"),
  entry("VMRESUME", "NP 0F 01 C3"),
];
