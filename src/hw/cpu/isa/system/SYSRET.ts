/**
 * SYSRET: return from fast system call. SDM Vol. 2B, "SYSRET—Return From Fast System Call"; APM Vol. 3, "SYSRET".
 * Vendors differ: Intel's processors refuse an address that is not canonical while still at CPL 0 and with the caller's
 * stack pointer; AMD's go there, load no attributes of SS, and have the instruction in every protected mode.
 */

import { isCanonical } from "../../addressing.ts";
import type { AssistContext, AssistFunction } from "../../assist.ts";
import { DR6 } from "../../debug.ts";
import { GP0 } from "../../fault.ts";
import { is64Bit, isRealAddressing } from "../../mode.ts";
import { readSlot } from "../../msr/slots.ts";
import { BIT, RFLAGS, RFLAGS_FIXED } from "../../state.ts";
import { isIntel, setCode, setStack, starSelectors } from "../../system-calls.ts";
import { LOW_32, R11, RCX, systemInstruction, UD } from "../../system.ts";

/** Without RF, VM and what is reserved. */
const RETURNED_FLAGS = 0x3c_7fd7n;
const LEVEL_3 = 3 << 5;

const back: AssistFunction = (context) => {
  const { state, memory, decoded } = context;
  const intel = isIntel(context);
  if (!state.has("EFER", BIT.EFER.SCE) || isRealAddressing(state)) return UD;
  if (intel && !is64Bit(state)) return UD;
  if (state.cpl !== 0) return GP0;
  const wide = is64Bit(state) && decoded.operandSize === 64;
  const target = wide ? state.gpr(RCX) : state.gpr(RCX) & LOW_32;
  if (intel && !isCanonical(target)) return GP0;
  const wasLong = is64Bit(state);
  if (wasLong) state.rflags = (state.gpr(R11) & RETURNED_FLAGS) | RFLAGS_FIXED;
  else state.rflags |= RFLAGS.IF;
  state.rip = target;
  const { ret } = starSelectors(readSlot(state, "IA32_STAR"));
  setCode(state, (ret + (wide ? 16 : 0)) | 3, wide, 3);
  loadStack(context, ret + 8);
  // TF that comes back traps at once, before an instruction of the caller (Linux, arch/x86/entry/entry_64.S).
  if (wasLong && state.hasFlag(BIT.RFLAGS.TF)) state.pendingDebug |= DR6.BS;
  memory.contextChanged();
  return null;
};

function loadStack(context: AssistContext, selector: number): void {
  const { state } = context;
  if (isIntel(context)) {
    setStack(state, selector | 3, 3);
    return;
  }
  const ss = state.segment("SS");
  state.setSegment("SS", { ...ss, selector: selector & 0xffff, rights: ss.rights | LEVEL_3 });
}

export const SYSRET = systemInstruction(
  "SYSRET",
  {
    feature: "SYSCALL",
    forms: [
      ["0F 07", "", { sizes: [16, 32] }],
      ["REX.W + 0F 07", "", { modes: "V/NE" }],
    ],
  },
  back,
);
