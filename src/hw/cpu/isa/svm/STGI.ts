/** STGI, CLGI: set and clear the global interrupt flag. APM Vol. 3, "STGI", "CLGI"; Vol. 2, "Global Interrupt Flag, STGI and CLGI Instructions". */

import type { Instruction } from "../../instruction.ts";
import { BLOCKING } from "../../state.ts";
import { svmInstruction } from "../../svm/instruction.ts";
import { INTERCEPT } from "../../svm/intercepts.ts";

export const STGI: readonly Instruction[] = [
  svmInstruction("STGI", "0F 01 DC", (context, svm) => {
    const { state } = context;
    const intercepted = state.isGuest ? svm.intercepted(context, INTERCEPT.STGI) : null;
    if (intercepted === null) state.blocking &= ~BLOCKING.gif;
    return intercepted;
  }),
  svmInstruction("CLGI", "0F 01 DD", (context, svm) => {
    const { state } = context;
    const intercepted = state.isGuest ? svm.intercepted(context, INTERCEPT.CLGI) : null;
    if (intercepted === null) state.blocking |= BLOCKING.gif;
    return intercepted;
  }),
];
