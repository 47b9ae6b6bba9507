/** INVVPID: invalidate translations based on VPID. SDM Vol. 3, "INVVPID—Invalidate Translations Based on VPID". */

import { isCanonical } from "../../addressing.ts";
import { isFault } from "../../mmu.ts";
import { is64Bit } from "../../mode.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { fail, succeed, vmxInstruction } from "../../vmx/vmx-instruction.ts";

const [ADDRESS, SINGLE_CONTEXT, ALL_CONTEXTS, SINGLE_BUT_GLOBAL] = [0n, 1n, 2n, 3n];

export const INVVPID = vmxInstruction(
  "INVVPID",
  {
    forms: [
      ["66 0F 38 81 /r", "r32, m128", { sizes: [null], modes: "NE/V" }],
      ["66 0F 38 81 /r", "r64, m128", { sizes: [null], modes: "V/NE" }],
    ],
    exit: (context) => operandExit(context, REASON.INVVPID, 1, context.register(0) << 28),
  },
  (context, vmx) => {
    const { state } = context;
    const type = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.gpr(context.register(0)));
    if (type > SINGLE_BUT_GLOBAL) return fail(context, vmx, INSTRUCTION_ERROR.invalidOperand);
    const bytes = context.loadBytes("effective", context.offset(1), 16);
    if (isFault(bytes)) return bytes;
    const view = new DataView(bytes.buffer);
    const [first, linear] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    const vpid = Number(first & 0xffffn);
    const isAllowed =
      first >> 16n === 0n &&
      (type === ALL_CONTEXTS || vpid !== 0) &&
      (type !== ADDRESS || isCanonical(linear));
    if (!isAllowed) return fail(context, vmx, INSTRUCTION_ERROR.invalidOperand);
    const { translations } = vmx;
    if (type === ADDRESS) translations.invalidatePageOfVpid(vpid, linear);
    else if (type === ALL_CONTEXTS) translations.invalidateVpids();
    else translations.invalidateVpid(vpid, type !== SINGLE_CONTEXT);
    return succeed(context);
  },
);
