/** VMXON: enter VMX operation. SDM Vol. 3, "VMXON—Enter VMX Operation". */

import type { AssistContext } from "../../assist.ts";
import { type Fault, GP0 } from "../../fault.ts";
import { isFault } from "../../mmu.ts";
import { readSlot } from "../../msr/slots.ts";
import { BIT } from "../../state.ts";
import { systemInstruction, UD } from "../../system.ts";
import { allowsCr0, allowsCr4 } from "../../vmx/capabilities.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { REVISION } from "../../vmx/vmcs.ts";
import type { Vmx } from "../../vmx/vmx.ts";
import {
  fail,
  failInvalid,
  isWrongMode,
  NOWHERE,
  refuse,
  regionAddress,
  succeed,
  vmxOf,
} from "../../vmx/vmx-instruction.ts";

/** IA32_FEATURE_CONTROL: lock, and VMXON outside SMX operation. */
const ALLOWED = 5n;

function enterOperation(context: AssistContext, vmx: Vmx): Fault | null {
  const { state, environment } = context;
  const { physical } = vmx;
  if (state.cpl !== 0) return refuse(context, "#GP(0)", "the CPL is 0", GP0);
  const isFixed =
    allowsCr0(state.control("CR0"), false) && allowsCr4(state.control("CR4"), environment.profile);
  if (!isFixed) return refuse(context, "#GP(0)", "CR0 and CR4 have their fixed bits", GP0);
  if ((readSlot(state, "IA32_FEATURE_CONTROL") & ALLOWED) !== ALLOWED)
    return refuse(context, "#GP(0)", "IA32_FEATURE_CONTROL allows VMXON", GP0);
  const address = regionAddress(context);
  if (isFault(address)) return address;
  if (address === NOWHERE || physical.read32(address) !== REVISION) return failInvalid(context);
  vmx.begin(address);
  return succeed(context);
}

export const VMXON = systemInstruction(
  "VMXON",
  { feature: "VMX", forms: [["F3 0F C7 /6", "m64", { sizes: [null] }]] },
  (context) => {
    const { state } = context;
    const vmx = vmxOf(context);
    if (vmx === null || isWrongMode(context) || !state.has("CR4", BIT.CR4.VMXE))
      return refuse(context, "#UD", "64-bit or protected mode, and CR4.VMXE", UD);
    if (!vmx.vmcs.isOperating) return enterOperation(context, vmx);
    if (state.isGuest) return operandExit(context, REASON.VMXON, 0);
    if (state.cpl !== 0) return refuse(context, "#GP(0)", "the CPL is 0", GP0);
    return fail(context, vmx, INSTRUCTION_ERROR.vmxonInRoot);
  },
);
