/** Events that a guest is to have, and what ends with an instruction that was carried out in its stead: SDM Vol. 3, "Interrupt and Exception Handling". */

import { DR6 } from "../hw/cpu/debug.ts";
import { type Fault, fault, plainFault, VECTORS } from "../hw/cpu/fault.ts";
import { BIT, BLOCKING, type CpuState, RFLAGS } from "../hw/cpu/state.ts";
import type { PendingEvent } from "./x86/ops.ts";

const SHADOWS = BLOCKING.sti | BLOCKING.movSs;

/**
 * The exception of a fault. Registers say what its handler will look for: RF in the flags that are saved is set for
 * faults (SDM Vol. 3, "RFLAGS"). In real mode there are no error codes.
 */
export function exceptionOf(state: CpuState, of: Fault): PendingEvent {
  const { vector, errorCode, address, debug } = of;
  if (vector === VECTORS["#PF"] && address !== null) state.setControl("CR2", address);
  if (vector === VECTORS["#DB"] && debug !== undefined)
    state.setDebug("DR6", (state.debug("DR6") & ~0xfn) | BigInt(debug));
  if (vector !== VECTORS["#DB"]) state.rflags |= RFLAGS.RF;
  const isProtected = state.has("CR0", BIT.CR0.PE);
  return { type: "exception", vector, errorCode: isProtected ? errorCode : null };
}

export const undefinedInstruction = (state: CpuState): PendingEvent =>
  exceptionOf(state, plainFault("#UD"));

/** To be called before an instruction is carried out: gives what its trap is, when it is stepped. */
export function afterInstruction(state: CpuState): ((after: CpuState) => PendingEvent) | null {
  const isTraced = state.hasFlag(BIT.RFLAGS.TF);
  state.blocking &= ~SHADOWS;
  state.rflags &= ~RFLAGS.RF;
  return isTraced ? (after) => exceptionOf(after, { ...fault("#DB", null), debug: DR6.BS }) : null;
}
