/**
 * A CPU: an engine that executes instructions, and what happens between them. Events are taken in the order of SDM
 * Vol. 3, "Priority Among Concurrent Events"; faults of delivery become double faults and shutdown as in "Interrupt 8—
 * Double Fault Exception (#DF)".
 */

import { codeBreakpoints, DR6, DR7_GD, watches } from "./debug.ts";
import { linearOfCode } from "./decode-at.ts";
import type { Core } from "./descriptors.ts";
import type { Engine } from "./engine/engine.ts";
import { type Fault, fault, VECTORS } from "./fault.ts";
import { reset } from "./start.ts";
import { ACTIVITY, BLOCKING, type CpuState, PENDING, RFLAGS } from "./state.ts";
import { deliver, type EventType } from "./transfer/deliver.ts";

/** Why a run has ended: the limit is reached, or nothing happens until an event from outside. */
export type Stop = "limit" | "halted" | "shutdown" | "waiting for SIPI";

const NMI_VECTOR = 2;
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
/** Deliveries that fault one after another without a double fault; hardware would go on for ever. */
const MOST_FAULTS = 16;

const CONTRIBUTORY: ReadonlySet<number> = new Set([
  VECTORS["#DE"],
  VECTORS["#TS"],
  VECTORS["#NP"],
  VECTORS["#SS"],
  VECTORS["#GP"],
]);

interface Raised {
  readonly type: EventType;
  readonly vector: number;
  readonly errorCode: number | null;
  readonly address: bigint | null;
  readonly resume: boolean;
}

export class Cpu {
  readonly state: CpuState;
  readonly #core: Core;
  readonly #engine: Engine;
  #limit = 0;

  constructor(core: Core, engine: Engine) {
    this.state = core.state;
    this.#core = core;
    this.#engine = engine;
  }

  /** Runs to the first instruction boundary at or past `limit` cycles, or until nothing happens any more. */
  run(limit: number): Stop {
    const { state } = this;
    this.#limit = limit;
    for (;;) {
      this.#arrive();
      if (state.activity !== ACTIVITY.active && !this.#wakes())
        return STOPS[state.activity] as Stop;
      if (state.cycles >= this.#limit) return "limit";
      if (!this.#takeEvent()) this.#execute(this.#limit);
    }
  }

  /** Lowers the limit of the run in progress: for who learns in the middle of it that something is due earlier. */
  endBy(limit: number): void {
    if (limit >= this.#limit) return;
    this.#limit = limit;
    this.state.attention = true;
  }

  /** INIT, and the startup IPI that ends the wait after it; one that came before INIT is not pending any more. */
  #arrive(): void {
    const { state } = this;
    if ((state.pending & PENDING.init) !== 0) {
      const { profile, bootstrap } = this.#core.environment;
      const others = state.pending & ~PENDING.init;
      reset(state, profile.signature, "init");
      state.pending = others;
      state.activity = bootstrap ? ACTIVITY.active : ACTIVITY.waitForSipi;
      this.#core.memory.invalidateAll(false);
      this.#core.memory.contextChanged();
    }
    if ((state.pending & PENDING.sipi) !== 0) {
      const vector = (state.pending >> 8) & 0xff;
      state.pending &= PENDING.nmi;
      if (state.activity !== ACTIVITY.waitForSipi) return;
      const code = state.segment("CS");
      state.setSegment("CS", { ...code, selector: vector << 8, base: BigInt(vector) << 12n });
      state.rip = 0n;
      state.activity = ACTIVITY.active;
    }
  }

  /** Only HLT is left by an interrupt, or by the trap of its own single step. */
  #wakes(): boolean {
    const { state } = this;
    const isDue = state.pendingDebug !== 0 || this.#isNmiDue() || this.#isInterruptDue();
    if (state.activity !== ACTIVITY.hlt || !isDue) return false;
    state.activity = ACTIVITY.active;
    return true;
  }

  /** STI may hold NMIs back as well as interrupts, and here it does (SDM Vol. 2B, "STI—Set Interrupt Flag"). */
  #isNmiDue(): boolean {
    const { pending, blocking } = this.state;
    return (pending & PENDING.nmi) !== 0 && (blocking & (BLOCKING.nmi | SHADOWS)) === 0;
  }

  #isInterruptDue(): boolean {
    const { state } = this;
    const isOpen = state.hasFlag(RFLAGS.IF) && (state.blocking & SHADOWS) === 0;
    return isOpen && this.#core.environment.isInterruptAsserted();
  }

  /** Takes what is due at this boundary; false when nothing is. */
  #takeEvent(): boolean {
    const { state } = this;
    if (state.pendingDebug !== 0 && (state.blocking & BLOCKING.movSs) === 0) {
      this.#debugException(state.pendingDebug);
      return true;
    }
    if (this.#isNmiDue()) {
      state.pending &= ~PENDING.nmi;
      this.#raise({
        type: "NMI",
        vector: NMI_VECTOR,
        errorCode: null,
        address: null,
        resume: false,
      });
      return true;
    }
    if (!this.#isInterruptDue()) return false;
    const vector = this.#core.environment.acknowledgeInterrupt();
    this.#raise({
      type: "external interrupt",
      vector,
      errorCode: null,
      address: null,
      resume: false,
    });
    return true;
  }

  /** Many instructions at once, or a single one where something is to be seen after each. */
  #execute(limit: number): void {
    const { state } = this;
    const flags = state.rflags;
    const shadow = state.blocking & SHADOWS;
    const watched = watches(state);
    const traced = (flags & RFLAGS.TF) !== 0n;
    const resumed = (flags & RFLAGS.RF) !== 0n;
    if (watched && !resumed && (shadow & BLOCKING.movSs) === 0) {
      const hit = codeBreakpoints(state, linearOfCode(state, state.rip));
      if (hit !== 0) {
        this.#debugException(hit);
        return;
      }
    }
    const { rip } = state;
    if (resumed) state.rflags = flags & ~RFLAGS.RF;
    if (shadow !== 0) state.blocking &= ~SHADOWS;
    const before = state.pendingDebug;
    state.hasEntered = false;
    const single = watched || traced || resumed || shadow !== 0;
    const raised = this.#engine.run(single ? state.cycles + 1 : limit);
    if (raised !== null) {
      state.pendingDebug = before;
      this.#raise(asException(raised));
      return;
    }
    // What a repeated instruction has still to do is done under the same RF.
    if (resumed && state.rip === rip) state.rflags |= RFLAGS.RF;
    // INT n and its like leave TF behind, in the flags that they save; a load of SS is not traced (SDM Vol. 3,
    // "Masking Exceptions and Interrupts When Switching Stacks").
    const isMasked = (state.blocking & BLOCKING.movSs) !== 0;
    if (traced && !state.hasEntered && !isMasked) state.pendingDebug |= DR6.BS;
  }

  #debugException(bits: number): void {
    const { state } = this;
    state.setDebug("DR6", (state.debug("DR6") & ~0xfn) | BigInt(bits));
    state.pendingDebug = 0;
    this.#raise(asException(fault("#DB", null)));
  }

  /** Delivers an event, and what delivery itself raises. */
  #raise(first: Raised): void {
    const { state } = this;
    let event = first;
    for (let count = 0; count < MOST_FAULTS; count += 1) {
      if (event.vector === VECTORS["#PF"] && event.address !== null)
        state.setControl("CR2", event.address);
      const met = deliver(this.#core, { ...event, returnRip: state.rip });
      if (met === null) {
        // The handler may use the debug registers (SDM Vol. 3, "Debug Control Register (DR7)": GD).
        if (event.vector === VECTORS["#DB"]) state.setDebug("DR7", state.debug("DR7") & ~DR7_GD);
        return;
      }
      const second = asException(met);
      const isDouble = event.vector === VECTORS["#DF"] && event.type === "hardware exception";
      if (isDouble && classOf(second) !== "benign") break;
      event = becomesDouble(event, second) ? DOUBLE_FAULT : second;
      if (met.vector === VECTORS["#PF"] && met.address !== null)
        state.setControl("CR2", met.address);
    }
    state.activity = ACTIVITY.shutdown;
  }
}

const STOPS: Readonly<Record<number, Stop>> = {
  [ACTIVITY.hlt]: "halted",
  [ACTIVITY.shutdown]: "shutdown",
  [ACTIVITY.waitForSipi]: "waiting for SIPI",
};

/** RF is saved as set for faults, but not for #DB and the abort #DF (SDM Vol. 3, "RFLAGS: RF"). */
const asException = ({ vector, errorCode, address }: Fault): Raised => ({
  type: "hardware exception",
  vector,
  errorCode,
  address,
  resume: vector !== VECTORS["#DB"] && vector !== VECTORS["#DF"],
});

const DOUBLE_FAULT = asException(fault("#DF", 0));

type FaultClass = "benign" | "contributory" | "page fault";

function classOf({ type, vector }: Raised): FaultClass {
  if (type !== "hardware exception") return "benign";
  if (vector === VECTORS["#PF"]) return "page fault";
  return CONTRIBUTORY.has(vector) ? "contributory" : "benign";
}

function becomesDouble(first: Raised, second: Raised): boolean {
  const [a, b] = [classOf(first), classOf(second)];
  return (a === "contributory" && b === "contributory") || (a === "page fault" && b !== "benign");
}
