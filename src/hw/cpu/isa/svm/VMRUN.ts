/** VMRUN: run virtual machine. APM Vol. 3, "VMRUN"; Vol. 2, "VMRUN Instruction". */

import { INTERCEPT } from "../../svm/intercepts.ts";
import { svmInstruction, vmcbAddress } from "../../svm/instruction.ts";

export const VMRUN = svmInstruction("VMRUN", "0F 01 D8", (context, svm) => {
  const address = vmcbAddress(context);
  if (typeof address !== "number") return address;
  const intercepted = context.state.isGuest ? svm.intercepted(context, INTERCEPT.VMRUN) : null;
  if (intercepted !== null) return intercepted;
  svm.run(address);
  return null;
});
