/** SYSENTER: fast system call. SDM Vol. 2B, "SYSENTER—Fast System Call"; APM Vol. 3, "SYSENTER": AMD's processors have it in legacy mode alone. */

import { GP0 } from "../../fault.ts";
import { isLongMode } from "../../mode.ts";
import { readSlot } from "../../msr/slots.ts";
import { BIT, RFLAGS } from "../../state.ts";
import { isIntel, setCode, setStack } from "../../system-calls.ts";
import { LOW_32, RSP, systemInstruction, UD } from "../../system.ts";

export const SYSENTER = systemInstruction(
  "SYSENTER",
  { feature: "SEP", forms: [["0F 34", ""]] },
  (context) => {
    const { state, memory } = context;
    const long = isLongMode(state);
    if (long && !isIntel(context)) return UD;
    const selector = Number(readSlot(state, "IA32_SYSENTER_CS") & 0xfffcn);
    if (!state.has("CR0", BIT.CR0.PE) || selector === 0) return GP0;
    const mask = long ? ~0n : LOW_32;
    state.rflags &= ~(RFLAGS.VM | RFLAGS.IF | RFLAGS.RF);
    state.setGpr(RSP, BigInt.asUintN(64, readSlot(state, "IA32_SYSENTER_ESP") & mask));
    state.rip = BigInt.asUintN(64, readSlot(state, "IA32_SYSENTER_EIP") & mask);
    setCode(state, selector, long, 0);
    setStack(state, selector + 8, 0);
    memory.contextChanged();
    return null;
  },
);
