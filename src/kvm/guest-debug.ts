/**
 * A guest that user space debugs: Linux, Documentation/virt/kvm/api.rst, "KVM_SET_GUEST_DEBUG". While the guest runs,
 * the trap flag and breakpoints of user space are in its registers; it is not to notice, but for the trap flag in what
 * it pushes.
 */

import { debugValue, DR6 } from "../hw/cpu/debug.ts";
import { linearOfCode } from "../hw/cpu/decode-at.ts";
import { VECTORS } from "../hw/cpu/fault.ts";
import { is64Bit } from "../hw/cpu/mode.ts";
import { BLOCKING, type CpuState, RFLAGS } from "../hw/cpu/state.ts";
import { EXIT } from "./ioctls/kvm-run.ts";
import type { Vcpu } from "./vcpu.ts";
import type { PendingEvent } from "./x86/ops.ts";

/** KVM_GUESTDBG_*. */
export const GUESTDBG = {
  ENABLE: 1,
  SINGLESTEP: 2,
  USE_SW_BP: 0x1_0000,
  USE_HW_BP: 0x2_0000,
  INJECT_DB: 0x4_0000,
  INJECT_BP: 0x8_0000,
  BLOCKIRQ: 0x10_0000,
} as const;
export const ALL_GUESTDBG = Object.values(GUESTDBG).reduce<number>((all, bit) => all | bit, 0);

export interface GuestDebug {
  /** Bits of GUESTDBG. */
  readonly control: number;
  readonly debugreg: readonly bigint[];
}

export const NOT_DEBUGGED: GuestDebug = { control: 0, debugreg: [] };

/** Of exceptions, a bit for each: #DB and #BP. */
const [DB, BP] = [1 << VECTORS["#DB"], 1 << VECTORS["#BP"]];
const TRAPS = GUESTDBG.SINGLESTEP | GUESTDBG.USE_HW_BP;
const BREAKPOINTS = ["DR0", "DR1", "DR2", "DR3"] as const;
const DR7_INDEX = 7;
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;

const has = ({ control }: GuestDebug, bits: number): boolean => (control & bits) !== 0;

export const isStepping = (debug: GuestDebug): boolean => has(debug, GUESTDBG.SINGLESTEP);

/** Neither interrupts nor NMIs come while user space steps. */
export const blocksInterrupts = (debug: GuestDebug): boolean => has(debug, GUESTDBG.BLOCKIRQ);

/** Exceptions that are user space's. */
export const exceptionsOf = (debug: GuestDebug): number =>
  (has(debug, TRAPS) ? DB : 0) | (has(debug, GUESTDBG.USE_SW_BP) ? BP : 0);

/** Puts user space's registers in the place of the guest's for as long as `use` lasts. */
export function withDebugRegisters(state: CpuState, debug: GuestDebug, use: () => void): void {
  if (!has(debug, TRAPS)) {
    use();
    return;
  }
  const own = ownOf(state);
  state.setDebug("DR6", debugValue("DR6", 0n));
  if (has(debug, GUESTDBG.USE_HW_BP)) {
    for (const [i, name] of BREAKPOINTS.entries()) state.setDebug(name, debug.debugreg[i] ?? 0n);
    state.setDebug("DR7", effectiveDr7(state, debug));
  }
  if (isStepping(debug)) {
    state.rflags |= RFLAGS.TF;
    // VMX enters no guest with a shadow and the trap flag, unless a trap is pending already.
    state.blocking &= ~SHADOWS;
  }
  use();
  restore(state, own);
}

/** `fetch` gets the guest's registers from hardware: what is user space's of them is not the guest's. */
export function keepingDebugRegisters(state: CpuState, debug: GuestDebug, fetch: () => void): void {
  const own = has(debug, TRAPS) ? ownOf(state) : null;
  fetch();
  if (own === null) return;
  // The guest may have cleared the trap flag, and whoever reads it thinks that it is set.
  const rflags = isStepping(debug) ? state.rflags & (own.rflags | ~RFLAGS.TF) : state.rflags;
  restore(state, { ...own, rflags, blocking: state.blocking });
}

/** What may be user space's while the guest runs. */
interface Own {
  readonly breakpoints: readonly bigint[];
  readonly dr6: bigint;
  readonly dr7: bigint;
  readonly rflags: bigint;
  readonly blocking: number;
}

const ownOf = (state: CpuState): Own => ({
  breakpoints: BREAKPOINTS.map((name) => state.debug(name)),
  dr6: state.debug("DR6"),
  dr7: state.debug("DR7"),
  rflags: state.rflags,
  blocking: state.blocking,
});

function restore(state: CpuState, { breakpoints, dr6, dr7, rflags, blocking }: Own): void {
  for (const [i, name] of BREAKPOINTS.entries()) state.setDebug(name, breakpoints[i] ?? 0n);
  state.setDebug("DR6", dr6);
  state.setDebug("DR7", dr7);
  state.rflags = rflags;
  state.blocking = blocking;
}

const effectiveDr7 = (state: CpuState, debug: GuestDebug): bigint =>
  has(debug, GUESTDBG.USE_HW_BP)
    ? debugValue("DR7", debug.debugreg[DR7_INDEX] ?? 0n)
    : state.debug("DR7");

/** An instruction has been carried out in the guest's stead: its trap is user space's, or the guest's own. */
export function completed({ state, registers }: Vcpu, event: PendingEvent | null): void {
  const isHeld = (registers.blocking & BLOCKING.movSs) !== 0;
  state.isStepped = isStepping(state.guestDebug) && !isHeld;
  state.pending = state.isStepped ? null : event;
}

export function reportStep(vcpu: Vcpu): 0 {
  vcpu.state.isStepped = false;
  return report(vcpu, VECTORS["#DB"], DR6.BS);
}

/** KVM_EXIT_DEBUG. */
export function report({ run, registers, state }: Vcpu, exception: number, bits: number): 0 {
  run.exit_reason = EXIT.DEBUG;
  run.debug.arch.exception = exception;
  run.debug.arch.pc = linearOfCode(registers, registers.rip);
  run.debug.arch.dr6 = debugValue("DR6", BigInt(bits));
  run.debug.arch.dr7 = effectiveDr7(registers, state.guestDebug);
  return 0;
}

const BREAKPOINT_BYTES = 1n;

/** An exception of user space's for the guest. #BP comes from the instruction at RIP, and returns behind it. */
export function injectException({ registers, state }: Vcpu, vector: number): void {
  if (vector === VECTORS["#BP"]) {
    const bits = is64Bit(registers) ? 64 : 32;
    registers.rip = BigInt.asUintN(bits, registers.rip + BREAKPOINT_BYTES);
  }
  state.pending = { type: "exception", vector, errorCode: null };
}
