/** INVEPT: invalidate translations derived from EPT. SDM Vol. 3, "INVEPT—Invalidate Translations Derived from EPT". */

import { isFault } from "../../mmu.ts";
import { is64Bit } from "../../mode.ts";
import { operandExit } from "../../vmx/exit-information.ts";
import { INSTRUCTION_ERROR, REASON } from "../../vmx/reasons.ts";
import { fail, succeed, vmxInstruction } from "../../vmx/vmx-instruction.ts";

const [SINGLE_CONTEXT, GLOBAL] = [1n, 2n];
const EP4TA = 0x000f_ffff_ffff_f000n;

export const INVEPT = vmxInstruction(
  "INVEPT",
  {
    forms: [
      ["66 0F 38 80 /r", "r32, m128", { sizes: [null], modes: "NE/V" }],
      ["66 0F 38 80 /r", "r64, m128", { sizes: [null], modes: "V/NE" }],
    ],
    exit: (context) => operandExit(context, REASON.INVEPT, 1, context.register(0) << 28),
  },
  (context, vmx) => {
    const { state, environment } = context;
    const type = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.gpr(context.register(0)));
    if (type !== SINGLE_CONTEXT && type !== GLOBAL)
      return fail(context, vmx, INSTRUCTION_ERROR.invalidOperand);
    const bytes = context.loadBytes("effective", context.offset(1), 16);
    if (isFault(bytes)) return bytes;
    const view = new DataView(bytes.buffer);
    const eptp = view.getBigUint64(0, true);
    if (type === GLOBAL) {
      vmx.translations.invalidateTables(null);
      return succeed(context);
    }
    if (!isEptp(eptp, environment.profile.physicalBits))
      return fail(context, vmx, INSTRUCTION_ERROR.invalidOperand);
    vmx.translations.invalidateTables(Number(eptp & EP4TA));
    return succeed(context);
  },
);

/** As VM entry would have it: memory type UC or WB, four levels, no reserved bit. */
function isEptp(eptp: bigint, physicalBits: number): boolean {
  const type = eptp & 7n;
  const isPlain = (eptp & 0xf80n) === 0n && eptp >> BigInt(physicalBits) === 0n;
  return (type === 0n || type === 6n) && ((eptp >> 3n) & 7n) === 3n && isPlain;
}
