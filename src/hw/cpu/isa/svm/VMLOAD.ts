/** VMLOAD: load state from VMCB. APM Vol. 3, "VMLOAD"; Vol. 2, "VMSAVE and VMLOAD Instructions". */

import { svmInstruction, vmcbAddress } from "../../svm/instruction.ts";
import { INTERCEPT } from "../../svm/intercepts.ts";

export const VMLOAD = svmInstruction("VMLOAD", "0F 01 DA", (context, svm) => {
  const address = vmcbAddress(context);
  if (typeof address !== "number") return address;
  const intercepted = context.state.isGuest ? svm.intercepted(context, INTERCEPT.VMLOAD) : null;
  if (intercepted === null) svm.load(address);
  return intercepted;
});
