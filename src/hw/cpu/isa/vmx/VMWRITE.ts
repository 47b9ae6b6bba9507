/** VMWRITE: write field to virtual-machine control structure. SDM Vol. 3, "VMWRITE—Write Field to Virtual-Machine Control Structure". */

import { isFault } from "../../mmu.ts";
import { is64Bit } from "../../mode.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { findField } from "../../vmx/fields.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { fail, failInvalid, succeed, vmxInstruction } from "../../vmx/vmx-instruction.ts";

export const VMWRITE = vmxInstruction(
  "VMWRITE",
  {
    forms: [
      ["NP 0F 79 /r", "r32, r/m32", { sizes: [null], modes: "NE/V" }],
      ["NP 0F 79 /r", "r64, r/m64", { sizes: [null], modes: "V/NE" }],
    ],
    exit: (context) => operandExit(context, REASON.VMWRITE, 1, context.register(0) << 28),
  },
  (context, vmx) => {
    const { state } = context;
    if (!vmx.hasCurrent) return failInvalid(context);
    const width = is64Bit(state) ? 64 : 32;
    const value = context.readOperand(1, width);
    if (isFault(value)) return value;
    const found = findField(BigInt.asUintN(width, state.gpr(context.register(0))));
    if (found === null) return fail(context, vmx, INSTRUCTION_ERROR.unsupportedComponent);
    const { field, high } = found;
    if (field.type === "read-only data")
      return fail(context, vmx, INSTRUCTION_ERROR.readOnlyComponent);
    vmx.write(field, value, high);
    return succeed(context);
  },
);
