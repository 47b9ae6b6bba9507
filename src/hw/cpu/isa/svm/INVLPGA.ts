/** INVLPGA: invalidate TLB entry of an address space. APM Vol. 3, "INVLPGA"; Vol. 2, "TLB Control". */

import { isCanonical } from "../../addressing.ts";
import { is64Bit } from "../../mode.ts";
import { svmInstruction } from "../../svm/instruction.ts";
import { INTERCEPT } from "../../svm/intercepts.ts";
import { ASIDS } from "../../svm/vmcb.ts";
import { RAX, RCX } from "../../system.ts";

export const INVLPGA = svmInstruction("INVLPGA", "0F 01 DF", (context, svm) => {
  const { state, decoded } = context;
  const intercepted = state.isGuest ? svm.intercepted(context, INTERCEPT.INVLPGA) : null;
  if (intercepted !== null) return intercepted;
  const linear = BigInt.asUintN(is64Bit(state) ? decoded.addressSize : 32, state.gpr(RAX));
  const asid = Number(BigInt.asUintN(32, state.gpr(RCX)));
  if (asid < ASIDS && isCanonical(linear)) svm.invalidatePage(asid, linear);
  return null;
});
