/** VMREAD: read field from virtual-machine control structure. SDM Vol. 3, "VMREAD—Read Field from Virtual-Machine Control Structure". */

import { is64Bit } from "../../mode.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { findField } from "../../vmx/fields.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { fail, failInvalid, succeed, vmxInstruction } from "../../vmx/vmx-instruction.ts";

export const VMREAD = vmxInstruction(
  "VMREAD",
  {
    forms: [
      ["NP 0F 78 /r", "r/m32, r32", { sizes: [null], modes: "NE/V" }],
      ["NP 0F 78 /r", "r/m64, r64", { sizes: [null], modes: "V/NE" }],
    ],
    exit: (context) => operandExit(context, REASON.VMREAD, 0, context.register(1) << 28),
  },
  (context, vmx) => {
    const { state } = context;
    if (!vmx.hasCurrent) return failInvalid(context);
    const width = is64Bit(state) ? 64 : 32;
    const found = findField(BigInt.asUintN(width, state.gpr(context.register(1))));
    if (found === null) return fail(context, vmx, INSTRUCTION_ERROR.unsupportedComponent);
    const value = BigInt.asUintN(width, vmx.vmcs.read(found.field, found.high));
    return context.writeOperand(0, width, value) ?? succeed(context);
  },
);
