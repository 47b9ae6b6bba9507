/** Which flags POPF and IRET may write: SDM Vol. 2B, "POPF/POPFD/POPFQ—Pop Stack Into EFLAGS Register", Vol. 2A, "IRET/IRETD/IRETQ—Interrupt Return". */

import type { Core } from "./descriptors.ts";
import { iopl, isVirtual8086 } from "./mode.ts";
import { BIT, type CpuState, RFLAGS, RFLAGS_FIXED } from "./state.ts";

/** CF, PF, AF, ZF, SF, TF, DF, OF, NT. */
const ALWAYS = 0x4dd5n;
const WIDE = RFLAGS.AC | RFLAGS.ID;
const VIRTUAL = RFLAGS.VM | RFLAGS.VIF | RFLAGS.VIP;

/** An event may be due when one of these is set, and what comes next is executed otherwise. */
const OPENING = RFLAGS.IF | RFLAGS.TF | RFLAGS.RF;
const MODE = RFLAGS.AC | RFLAGS.VM;

/** Sets RFLAGS where system flags may change. */
export function commitFlags({ state, memory }: Core, flags: bigint): void {
  const changed = state.rflags ^ flags;
  state.rflags = flags;
  if ((changed & (OPENING & flags)) !== 0n) state.attention = true;
  if ((changed & MODE) === 0n) return;
  state.attention = true;
  memory.contextChanged();
}

/** RFLAGS after an image of 16, 32 or 64 bits has been popped, at the level that the CPU has. */
export function popFlags(
  state: CpuState,
  image: bigint,
  size: 16 | 32 | 64,
  by: "POPF" | "IRET",
): bigint {
  const isReal = !state.has("CR0", BIT.CR0.PE);
  const cpl = isReal ? 0 : state.cpl;
  let writable = ALWAYS;
  if (cpl <= iopl(state)) writable |= RFLAGS.IF;
  if (cpl === 0) writable |= RFLAGS.IOPL;
  if (size !== 16) {
    writable |= WIDE;
    if (by === "IRET") writable |= RFLAGS.RF;
    if (by === "IRET" && cpl === 0 && !isReal) writable |= VIRTUAL;
  }
  // POPF leaves RF clear, and VIP and VIF at CPL 0.
  let cleared = 0n;
  if (by === "POPF" && size !== 16) {
    cleared = RFLAGS.RF;
    if (cpl === 0 && !isVirtual8086(state)) cleared |= RFLAGS.VIF | RFLAGS.VIP;
  }
  return (state.rflags & ~writable & ~cleared) | (image & writable) | RFLAGS_FIXED;
}
