/** The modes of operation, and what follows from them: SDM Vol. 3, "Modes of Operation"; Vol. 1, "Operand-Size and Address-Size Attributes". */

import type { CodeSize } from "./decode.ts";
import { BIT, type CpuState, OFFSET, RIGHTS } from "./state.ts";

export type Mode = "real" | "virtual-8086" | "protected" | "compatibility" | "64-bit";

export const isLongMode = (state: CpuState): boolean => state.has("EFER", BIT.EFER.LMA);

/** Segments are loaded as in the 8086: a selector is a sixteenth of the base. */
export const isRealAddressing = (state: CpuState): boolean =>
  !state.has("CR0", BIT.CR0.PE) || isVirtual8086(state);

export const isVirtual8086 = (state: CpuState): boolean =>
  state.hasFlag(BIT.RFLAGS.VM) && state.has("CR0", BIT.CR0.PE) && !isLongMode(state);

export function codeSizeOf(state: CpuState): CodeSize {
  const rights = state.rights("CS");
  if ((rights & RIGHTS.long) !== 0 && isLongMode(state)) return 64;
  return (rights & RIGHTS.big) === 0 ? 16 : 32;
}

export const is64Bit = (state: CpuState): boolean => codeSizeOf(state) === 64;

/** The width of the stack pointer. */
export function stackSizeOf(state: CpuState): 16 | 32 | 64 {
  if (is64Bit(state)) return 64;
  return (state.rights("SS") & RIGHTS.big) === 0 ? 16 : 32;
}

export function iopl(state: CpuState): number {
  return (state.view.getUint32(OFFSET.rflags, true) >> 12) & 3;
}

/** CLI and STI are allowed: anywhere in real-address mode, else with a CPL up to IOPL (no VME, no PVI). */
export const mayChangeInterruptFlag = (state: CpuState): boolean =>
  !state.has("CR0", BIT.CR0.PE) || state.cpl <= iopl(state);

/** Alignment is checked: #AC for what a program at CPL 3 does (SDM Vol. 3, "Alignment Check Exception (#AC)"). */
export const checksAlignment = (state: CpuState): boolean =>
  state.cpl === 3 && state.hasFlag(BIT.RFLAGS.AC) && state.has("CR0", BIT.CR0.AM);
