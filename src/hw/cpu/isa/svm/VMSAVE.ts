/** VMSAVE: save state to VMCB. APM Vol. 3, "VMSAVE"; Vol. 2, "VMSAVE and VMLOAD Instructions". */

import { svmInstruction, vmcbAddress } from "../../svm/instruction.ts";
import { INTERCEPT } from "../../svm/intercepts.ts";

export const VMSAVE = svmInstruction("VMSAVE", "0F 01 DB", (context, svm) => {
  const address = vmcbAddress(context);
  if (typeof address !== "number") return address;
  const intercepted = context.state.isGuest ? svm.intercepted(context, INTERCEPT.VMSAVE) : null;
  if (intercepted === null) svm.save(address);
  return intercepted;
});
