/** SYSEXIT: fast return from fast system call. SDM Vol. 2B, "SYSEXIT—Fast Return from Fast System Call"; APM Vol. 3, "SYSEXIT": AMD's processors have it in legacy mode alone. */

import { isCanonical } from "../../addressing.ts";
import { GP0 } from "../../fault.ts";
import { isLongMode } from "../../mode.ts";
import { readSlot } from "../../msr/slots.ts";
import { BIT } from "../../state.ts";
import { isIntel, setCode, setStack } from "../../system-calls.ts";
import { LOW_32, RCX, RDX, RSP, systemInstruction, UD } from "../../system.ts";

export const SYSEXIT = systemInstruction(
  "SYSEXIT",
  {
    feature: "SEP",
    forms: [
      ["0F 35", "", { sizes: [16, 32] }],
      ["REX.W + 0F 35", "", { modes: "V/NE" }],
    ],
  },
  (context) => {
    const { state, memory, decoded } = context;
    if (isLongMode(state) && !isIntel(context)) return UD;
    const selector = Number(readSlot(state, "IA32_SYSENTER_CS") & 0xfffcn);
    if (!state.has("CR0", BIT.CR0.PE) || state.cpl !== 0 || selector === 0) return GP0;
    const wide = decoded.operandSize === 64;
    const [stack, target] = [state.gpr(RCX), state.gpr(RDX)];
    if (wide && !(isCanonical(stack) && isCanonical(target))) return GP0;
    state.setGpr(RSP, wide ? stack : stack & LOW_32);
    state.rip = wide ? target : target & LOW_32;
    const code = selector + (wide ? 32 : 16);
    setCode(state, code | 3, wide, 3);
    setStack(state, (code + 8) | 3, 3);
    memory.contextChanged();
    return null;
  },
);
