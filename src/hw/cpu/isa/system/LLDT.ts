/** LLDT: load local descriptor table register. SDM Vol. 2A, "LLDT—Load Local Descriptor Table Register". */

import { isNull, isPresent, isSystem, SYSTEM, typeOf } from "../../descriptors.ts";
import { GP0, selectorFault } from "../../fault.ts";
import { isFault } from "../../mmu.ts";
import { isRealAddressing } from "../../mode.ts";
import { nullSegment } from "../../segments.ts";
import { systemInstruction, UD } from "../../system.ts";
import { readSystemSegment } from "../../system-segments.ts";

export const LLDT = systemInstruction(
  "LLDT",
  { forms: [["0F 00 /2", "r/m16", { sizes: [null] }]] },
  (context) => {
    const { state } = context;
    if (isRealAddressing(state)) return UD;
    if (state.cpl !== 0) return GP0;
    const intercepted = context.intercepted("LLDT");
    if (intercepted !== null) return intercepted;
    const operand = context.readOperand(0, 16);
    if (isFault(operand)) return operand;
    const selector = Number(operand);
    if (isNull(selector)) {
      state.setSystemSegment("LDTR", nullSegment(selector));
      return null;
    }
    const found = readSystemSegment(context, selector);
    if (isFault(found)) return found;
    const { descriptor, segment } = found;
    if (!isSystem(descriptor) || typeOf(descriptor) !== SYSTEM.ldt)
      return selectorFault("#GP", selector);
    if (!isPresent(descriptor)) return selectorFault("#NP", selector);
    state.setSystemSegment("LDTR", segment);
    return null;
  },
);
