/** States that a CPU starts from: after power-up, RESET and INIT (SDM Vol. 3, "Processor State After Reset"), and a program's. */

import type { Environment } from "./environment.ts";
import { resetMsrs } from "./msr/access.ts";
import { ACTIVITY, CR0, CR4, type CpuState, EFER, OFFSET, PENDING, RFLAGS_FIXED } from "./state.ts";
import { SEGMENT_NAMES } from "./uop.ts";

const RESET_VECTOR = 0xfff0n;
const REAL_LIMIT = 0xffff;
/** Present, writable or executable and readable, accessed. */
const [DATA, CODE] = [0x93, 0x9b];
const [LDT, BUSY_TSS] = [0x82, 0x8b];
const FLAT = 0xffff_ffff;
const ST0_INITIAL_CONTROL = 0x40;
const INIT_CONTROL = 0x37f;
const EMPTY = 0xffff;

/**
 * Power-up or RESET: real mode at FFFF:FFF0, with the base of CS at FFFF0000. `signature` is what rDX holds: family,
 * model and stepping. INIT leaves the x87, SSE and model-specific state, CR0.CD and CR0.NW (`init`).
 */
export function reset(
  state: CpuState,
  signature: number,
  kind: "power-up" | "init" = "power-up",
): void {
  const { view } = state;
  const { cycles } = state;
  if (kind === "power-up") {
    const block = state.bytes();
    block.fill(0);
    state.cycles = cycles;
    state.setControl("CR0", CR0.CD | CR0.NW | CR0.ET);
    state.mxcsr = 0x1f80;
    view.setUint16(OFFSET.x87Control, ST0_INITIAL_CONTROL, true);
    state.xcr0 = 1n;
  } else {
    state.setControl("CR0", (state.control("CR0") & (CR0.CD | CR0.NW)) | CR0.ET);
    for (let number = 0; number < 16; number += 1) state.setGpr(number, 0n);
  }
  for (const name of ["CR2", "CR3", "CR4", "CR8", "EFER"] as const) state.setControl(name, 0n);
  state.rflags = RFLAGS_FIXED;
  state.rip = RESET_VECTOR;
  state.setGpr(2, BigInt(signature));
  for (const name of SEGMENT_NAMES)
    state.setSegment(name, { selector: 0, base: 0n, limit: REAL_LIMIT, rights: DATA });
  state.setSegment("CS", { selector: 0xf000, base: 0xffff_0000n, limit: REAL_LIMIT, rights: CODE });
  for (const name of ["GDTR", "IDTR"] as const)
    state.setTable(name, { base: 0n, limit: REAL_LIMIT });
  state.setSystemSegment("LDTR", { selector: 0, base: 0n, limit: REAL_LIMIT, rights: LDT });
  state.setSystemSegment("TR", { selector: 0, base: 0n, limit: REAL_LIMIT, rights: BUSY_TSS });
  for (const name of ["DR0", "DR1", "DR2", "DR3"] as const) state.setDebug(name, 0n);
  state.setDebug("DR6", 0xffff_0ff0n);
  state.setDebug("DR7", 0x400n);
  state.activity = ACTIVITY.active;
  state.blocking = 0;
  state.pending = 0;
  state.pendingDebug = 0;
}

/** INIT has come; what else is pending stays so. */
export function initialize(state: CpuState, signature: number): void {
  const others = state.pending & ~PENDING.init;
  reset(state, signature, "init");
  state.pending = others;
}

/** A startup IPI: its vector is the page that the CPU begins at. */
export function startUp(state: CpuState, vector: number): void {
  const code = state.segment("CS");
  state.setSegment("CS", { ...code, selector: vector << 8, base: BigInt(vector) << 12n });
  state.rip = 0n;
}

/** Power-up or RESET with all that the CPU's profile says: rDX and the model-specific registers. */
export function powerUp(state: CpuState, environment: Environment): void {
  reset(state, environment.profile.signature);
  resetMsrs({ state, environment });
}

/**
 * Protected mode of 32 bits with flat segments and without paging, as boot protocols ask for it; the x87 unit is as
 * FNINIT, which firmware executes, leaves it.
 */
export function startProtectedMode(state: CpuState): void {
  state.view.setUint16(OFFSET.x87Control, INIT_CONTROL, true);
  state.view.setUint16(OFFSET.x87Tag, EMPTY, true);
  state.setControl("CR0", CR0.PE | CR0.ET);
  for (const name of SEGMENT_NAMES)
    state.setSegment(name, { selector: 0x10, base: 0n, limit: FLAT, rights: DATA | 0xc000 });
  state.setSegment("CS", { selector: 0x8, base: 0n, limit: FLAT, rights: CODE | 0xc000 });
  state.rflags = RFLAGS_FIXED;
}

/** 64-bit mode with flat segments, as an operating system gives it to a program: SSE and native x87 errors on. */
export function startLongMode(state: CpuState, cpl: 0 | 3): void {
  const rights = DATA | (cpl << 5);
  state.setControl("CR0", CR0.PG | CR0.PE | CR0.MP | CR0.ET | CR0.NE);
  state.setControl("CR4", CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT);
  state.setControl("EFER", EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE);
  for (const name of SEGMENT_NAMES) {
    const { base } = state.segment(name);
    state.setSegment(name, { selector: 0x10 | cpl, base, limit: FLAT, rights: rights | 0xc000 });
  }
  state.setSegment("CS", {
    selector: 0x8 | cpl,
    base: 0n,
    limit: FLAT,
    rights: CODE | (cpl << 5) | 0xa000,
  });
  state.rflags |= RFLAGS_FIXED;
  state.mxcsr = 0x1f80;
  state.xcr0 = 3n;
  state.view.setUint16(OFFSET.x87Control, INIT_CONTROL, true);
  state.view.setUint16(OFFSET.x87Tag, EMPTY, true);
}
