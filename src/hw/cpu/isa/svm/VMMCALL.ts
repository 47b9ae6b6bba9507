/** VMMCALL: call VMM. APM Vol. 3, "VMMCALL". Without somebody who intercepts it, #UD. It needs no privilege. */

import { instruction } from "../../instruction.ts";
import { INTERCEPT } from "../../svm/intercepts.ts";
import { svmOf } from "../../svm/instruction.ts";
import { UD } from "../../system.ts";

export const VMMCALL = instruction("VMMCALL", {
  feature: "SVM",
  forms: [["0F 01 D9", ""]],
  semantics: (u) =>
    u.assist((context) => {
      if (!context.state.isGuest) return UD;
      return svmOf(context)?.intercepted(context, INTERCEPT.VMMCALL) ?? UD;
    }),
});
