/** LTR: load task register; the TSS is busy then. SDM Vol. 2A, "LTR—Load Task Register". */

import { isNull, isPresent, isSystem, SYSTEM, typeOf } from "../../descriptors.ts";
import { GP0, selectorFault } from "../../fault.ts";
import { isFault } from "../../mmu.ts";
import { isLongMode, isRealAddressing } from "../../mode.ts";
import { systemInstruction, UD } from "../../system.ts";
import { readSystemSegment } from "../../system-segments.ts";

const BUSY = 2;

export const LTR = systemInstruction(
  "LTR",
  { forms: [["0F 00 /3", "r/m16", { sizes: [null] }]] },
  (context) => {
    const { state, memory } = context;
    if (isRealAddressing(state)) return UD;
    if (state.cpl !== 0) return GP0;
    const intercepted = context.intercepted("LTR");
    if (intercepted !== null) return intercepted;
    const operand = context.readOperand(0, 16);
    if (isFault(operand)) return operand;
    const selector = Number(operand);
    if (isNull(selector)) return GP0;
    const found = readSystemSegment(context, selector);
    if (isFault(found)) return found;
    const { descriptor, segment } = found;
    const type = typeOf(descriptor);
    const isTss = type === SYSTEM.tss || (type === SYSTEM.tss16 && !isLongMode(state));
    if (!isSystem(descriptor) || !isTss) return selectorFault("#GP", selector);
    if (!isPresent(descriptor)) return selectorFault("#NP", selector);
    const busy = BigInt(((descriptor.high >>> 8) & 0xff) | BUSY);
    const fault = memory.write(descriptor.address + 5n, 1, busy, "system");
    if (fault !== null) return fault;
    state.setSystemSegment("TR", { ...segment, rights: segment.rights | BUSY });
    return null;
  },
);
