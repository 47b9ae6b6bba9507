/**
 * SYSCALL: fast system call. SDM Vol. 2B, "SYSCALL—Fast System Call"; APM Vol. 3, "SYSCALL". Intel's processors have it
 * in 64-bit mode alone, AMD's in every protected mode.
 */

import type { AssistContext, AssistFunction } from "../../assist.ts";
import { is64Bit, isLongMode, isRealAddressing, isVirtual8086 } from "../../mode.ts";
import { readSlot } from "../../msr/slots.ts";
import { BIT, RFLAGS, RFLAGS_FIXED } from "../../state.ts";
import { isIntel, setCode, setStack, starSelectors } from "../../system-calls.ts";
import { LOW_32, R11, RCX, systemInstruction, UD } from "../../system.ts";

const call: AssistFunction = (context) => {
  const { state, memory } = context;
  if (!state.has("EFER", BIT.EFER.SCE)) return UD;
  if (isIntel(context) && !is64Bit(state)) return UD;
  if (isRealAddressing(state) && !isVirtual8086(state)) return UD;
  const traced = state.hasFlag(BIT.RFLAGS.TF);
  if (isLongMode(state)) callLong(context);
  else callLegacy(context);
  // A single step traps by the flags after the call.
  if (traced && !state.hasFlag(BIT.RFLAGS.TF)) state.hasEntered = true;
  memory.contextChanged();
  return null;
};

function callLong({ state, nextRip }: AssistContext): void {
  const target = is64Bit(state) ? "IA32_LSTAR" : "IA32_CSTAR";
  state.setGpr(RCX, nextRip);
  state.setGpr(R11, state.rflags & ~RFLAGS.RF);
  const masked = state.rflags & ~readSlot(state, "IA32_FMASK") & ~RFLAGS.RF;
  state.rflags = masked | RFLAGS_FIXED;
  state.rip = readSlot(state, target);
  const { call: selector } = starSelectors(readSlot(state, "IA32_STAR"));
  setCode(state, selector, true, 0);
  setStack(state, selector + 8, 0);
}

/** AMD's processors outside IA-32e mode: the target is in IA32_STAR, the flags are not saved. */
function callLegacy({ state, nextRip }: AssistContext): void {
  const star = readSlot(state, "IA32_STAR");
  state.setGpr(RCX, nextRip);
  state.rflags &= ~(RFLAGS.VM | RFLAGS.IF | RFLAGS.RF);
  state.rip = star & LOW_32;
  const { call: selector } = starSelectors(star);
  setCode(state, selector, false, 0);
  setStack(state, selector + 8, 0);
}

export const SYSCALL = systemInstruction(
  "SYSCALL",
  { feature: "SYSCALL", forms: [["0F 05", ""]] },
  call,
);
