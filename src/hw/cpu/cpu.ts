/**
 * A CPU: an engine that executes instructions, and what happens between them. Events are taken in the order of SDM
 * Vol. 3, "Priority Among Concurrent Events"; faults of delivery become double faults and shutdown as in "Interrupt 8—
 * Double Fault Exception (#DF)".
 */

import { assert } from "../../sim/assert.ts";
import { placeOf, noteBranch, watchesBranches } from "./branch-records.ts";
import { codeBreakpoints, DR6, DR7_GD, watches } from "./debug.ts";
import { linearOfCode } from "./decode-at.ts";
import type { Engine, EngineParts } from "./engine/engine.ts";
import { type Fault, fault, VECTORS } from "./fault.ts";
import { initialize, startUp } from "./start.ts";
import { BIT, ACTIVITY, BLOCKING, type CpuState, PENDING, RFLAGS } from "./state.ts";
import { deliver, type Raised } from "./transfer/deliver.ts";
import type { Decision, VmExit } from "./virtualization.ts";

/** Why a run has ended: the limit is reached, nothing happens until an event from outside, or a guest is left for a host of software. */
export type Stop = "limit" | "halted" | "shutdown" | "waiting for SIPI" | "VM exit";

const NMI_VECTOR = 2;
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const ARRIVALS = PENDING.init | PENDING.sipi;
/** Deliveries that fault one after another without a double fault; hardware would go on for ever. */
const MOST_FAULTS = 16;

const CONTRIBUTORY: ReadonlySet<number> = new Set([
  VECTORS["#DE"],
  VECTORS["#TS"],
  VECTORS["#NP"],
  VECTORS["#SS"],
  VECTORS["#GP"],
]);

export class Cpu {
  readonly state: CpuState;
  readonly #core: EngineParts;
  readonly #engine: Engine;
  readonly #hostIsSoftware: boolean;
  #limit = 0;

  /** `hostIsSoftware`: the host is no machine code. Only guests run, each until its VM exit. */
  constructor(core: EngineParts, engine: Engine, hostIsSoftware = false) {
    this.state = core.state;
    this.#core = core;
    this.#engine = engine;
    this.#hostIsSoftware = hostIsSoftware;
  }

  /** Runs to the first instruction boundary at or past `limit` cycles, or until nothing happens any more. */
  run(limit: number): Stop {
    const { state } = this;
    this.#limit = limit;
    for (;;) {
      if (this.#hostIsSoftware && !state.isGuest) return "VM exit";
      this.#arrive();
      // A decision about a guest takes what it is about, so it is not made too early.
      if (state.isGuest && state.cycles >= this.#limit) return "limit";
      const decision = this.#decide();
      const { activity } = state;
      if (decision !== null && decision.is !== "VM exit" && activity === ACTIVITY.hlt)
        state.activity = ACTIVITY.active;
      else if (activity !== ACTIVITY.active && decision === null && !this.#waitsForDeadline())
        return STOPS[activity] as Stop;
      if (state.cycles >= this.#limit) return "limit";
      if (decision !== null) this.#take(decision);
      else if (state.activity === ACTIVITY.active) this.#execute();
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
    if ((state.pending & ARRIVALS) === 0) return;
    const { virtualization } = this.#core;
    if ((state.pending & PENDING.init) !== 0 && virtualization?.holdsInit() !== true) {
      if (this.#exitsFor("INIT", 0)) return;
      this.#init();
    }
    if ((state.pending & PENDING.sipi) !== 0) {
      const vector = (state.pending >> 8) & 0xff;
      state.pending &= PENDING.nmi | PENDING.init;
      if (state.activity === ACTIVITY.waitForSipi && !this.#exitsFor("startup IPI", vector))
        this.#startUp(vector);
    }
  }

  #init(): void {
    const { state } = this;
    const { environment, memory, virtualization } = this.#core;
    initialize(state, environment.profile.signature);
    virtualization?.reset("init");
    state.activity = environment.bootstrap ? ACTIVITY.active : ACTIVITY.waitForSipi;
    memory.invalidateAll(false);
    memory.contextChanged();
  }

  #startUp(vector: number): void {
    const { state } = this;
    startUp(state, vector);
    state.activity = ACTIVITY.active;
  }

  #exitsFor(what: "INIT" | "startup IPI", vector: number): boolean {
    const { state } = this;
    const exit = state.isGuest ? this.#core.virtualization?.arrival(what, vector) : null;
    if (!exit) return false;
    this.#exit(exit, null);
    return true;
  }

  /** A halted guest whose control block has a deadline: time passes until then. */
  #waitsForDeadline(): boolean {
    const { state } = this;
    if (!state.isGuest) return false;
    const deadline = this.#deadline();
    if (deadline === Infinity) return false;
    state.cycles = Math.max(state.cycles, Math.min(deadline, this.#limit));
    return true;
  }

  #deadline(): number {
    return this.state.isGuest ? (this.#core.virtualization?.deadline() ?? Infinity) : Infinity;
  }

  /** What is due at this boundary. Only HLT is left by an interrupt, or by the trap of its own single step. */
  #decide(): Decision | null {
    const { state } = this;
    const { environment, virtualization } = this.#core;
    const { blocking, pending, pendingDebug } = state;
    if (state.isGuest && virtualization !== undefined) {
      return virtualization.decide({
        debug: (blocking & BLOCKING.movSs) === 0 ? pendingDebug : 0,
        isNmiPending: (pending & PENDING.nmi) !== 0,
        isInterruptAsserted: environment.isInterruptAsserted(),
      });
    }
    if (state.activity > ACTIVITY.hlt) return null;
    if (pendingDebug !== 0 && (blocking & BLOCKING.movSs) === 0) return DEBUG_TRAP;
    // STI may hold NMIs back as well as interrupts, and here it does (SDM Vol. 2B, "STI—Set Interrupt Flag").
    if ((blocking & (SHADOWS | BLOCKING.gif)) !== 0) return null;
    if ((pending & PENDING.nmi) !== 0 && (blocking & BLOCKING.nmi) === 0) return NMI;
    return state.hasFlag(BIT.RFLAGS.IF) && environment.isInterruptAsserted()
      ? EXTERNAL_INTERRUPT
      : null;
  }

  #take(decision: Decision): void {
    const { state } = this;
    switch (decision.is) {
      case "debug trap":
        this.#debugException(state.pendingDebug);
        return;
      case "NMI":
        state.pending &= ~PENDING.nmi;
        this.#raise(eventOf("NMI", NMI_VECTOR));
        return;
      case "external interrupt": {
        const vector = this.#core.environment.acknowledgeInterrupt();
        this.#raise(eventOf("external interrupt", vector));
        return;
      }
      case "VM exit":
        this.#exit(decision.exit, null);
        return;
      case "injection":
        this.#deliver(decision.event);
    }
  }

  #exit(exit: VmExit, during: Raised | null): void {
    const { virtualization } = this.#core;
    assert(virtualization !== undefined, "an exit has somebody to go to");
    virtualization.exit(exit, during);
  }

  #execute(): void {
    const { state } = this;
    const { virtualization } = this.#core;
    const wasGuest = state.isGuest;
    if (watchesBranches(state)) this.#executeWatched();
    else this.#executeTo(Math.min(this.#limit, this.#deadline()));
    if (wasGuest && state.isGuest && virtualization?.isStepping() === true)
      virtualization.stepped();
  }

  #executeWatched(): void {
    const { state } = this;
    const { isGuest } = state;
    const place = placeOf(this.#core);
    this.#executeTo(state.cycles + 1);
    if (state.isGuest === isGuest) noteBranch(state, place);
  }

  /** Many instructions at once, or a single one where something is to be seen after each. */
  #executeTo(limit: number): void {
    const { state } = this;
    const { virtualization } = this.#core;
    const shadow = state.blocking & SHADOWS;
    const watched = watches(state);
    const traced = state.hasFlag(BIT.RFLAGS.TF);
    const resumed = state.hasFlag(BIT.RFLAGS.RF);
    if (watched && !resumed && !this.#hidesCode(shadow)) {
      const hit = codeBreakpoints(state, linearOfCode(state, state.rip));
      if (hit !== 0) {
        this.#debugException(hit);
        return;
      }
    }
    const { isGuest } = state;
    const rip = resumed ? state.rip : 0n;
    if (resumed) state.rflags &= ~RFLAGS.RF;
    if (shadow !== 0) state.blocking &= ~SHADOWS;
    state.shadow = shadow;
    const before = state.pendingDebug;
    state.hasEntered = false;
    const stepping = isGuest && virtualization?.isStepping() === true;
    const single = watched || traced || resumed || shadow !== 0 || stepping;
    const raised = this.#engine.run(single ? state.cycles + 1 : limit);
    if (raised !== null) {
      state.pendingDebug = before;
      // An exit tells of it; a delivery ends it.
      state.blocking |= shadow;
      if (raised.exit === undefined) this.#raise(asException(raised), raised.during ?? null);
      else this.#exit(raised.exit, raised.during ?? null);
      return;
    }
    // VM entries and exits have put flags and pending events as they are to be.
    if (state.isGuest !== isGuest) return;
    // What a repeated instruction has still to do is done under the same RF.
    if (resumed && state.rip === rip) state.rflags |= RFLAGS.RF;
    // INT n and its like leave TF behind, in the flags that they save; a load of SS is not traced (SDM Vol. 3,
    // "Masking Exceptions and Interrupts When Switching Stacks").
    const isMasked = (state.blocking & BLOCKING.movSs) !== 0;
    if (traced && !state.hasEntered && !isMasked) state.pendingDebug |= DR6.BS;
  }

  /** Behind a load of SS, breakpoints on code are of no effect on Intel's processors. */
  #hidesCode(shadow: number): boolean {
    const isIntel = this.#core.environment.profile.vendor === "intel";
    return isIntel && (shadow & BLOCKING.movSs) !== 0;
  }

  #debugException(bits: number): void {
    this.state.pendingDebug = 0;
    this.#raise({ ...asException(fault("#DB", null)), debug: bits });
  }

  /** An event that a hypervisor may want instead of its guest. */
  #raise(event: Raised, during: Raised | null = null): void {
    if (!this.#intercepts(event, during)) this.#deliver(event);
  }

  #intercepts(event: Raised, during: Raised | null): boolean {
    if (!this.state.isGuest || event.type !== "hardware exception") return false;
    const exit = this.#core.virtualization?.exception(event, during);
    if (!exit) return false;
    this.#exit(exit, during);
    return true;
  }

  /** Delivers an event, and what delivery itself raises. */
  #deliver(first: Raised): void {
    const { state } = this;
    let event = first;
    for (let count = 0; count < MOST_FAULTS; count += 1) {
      this.#announce(event);
      const met = deliver(this.#core, { ...event, returnRip: event.returnRip ?? state.rip });
      if (met === null) {
        // The handler may use the debug registers (SDM Vol. 3, "Debug Control Register (DR7)": GD).
        if (event.vector === VECTORS["#DB"]) state.setDebug("DR7", state.debug("DR7") & ~DR7_GD);
        return;
      }
      if (met.exit !== undefined) {
        this.#exit(met.exit, event);
        return;
      }
      const second = asException(met);
      if (this.#intercepts(second, event)) return;
      const isDouble = event.vector === VECTORS["#DF"] && event.type === "hardware exception";
      if (isDouble && classOf(second) !== "benign") break;
      const becomes = becomesDouble(event, second);
      event = becomes ? DOUBLE_FAULT : second;
      if (becomes && this.#intercepts(DOUBLE_FAULT, null)) return;
      if (met.vector === VECTORS["#PF"] && met.address !== null)
        state.setControl("CR2", met.address);
    }
    this.#shutDown();
  }

  /** What registers say of an exception before its handler runs. */
  #announce(event: Raised): void {
    const { state } = this;
    if (event.vector === VECTORS["#PF"] && event.address !== null)
      state.setControl("CR2", event.address);
    if (event.debug === 0 || event.vector !== VECTORS["#DB"]) return;
    const kept = (event.debug & DR6.BD) === 0 ? state.debug("DR6") & ~0xfn : state.debug("DR6");
    state.setDebug("DR6", kept | BigInt(event.debug));
  }

  #shutDown(): void {
    const { state } = this;
    const exit = state.isGuest ? this.#core.virtualization?.shutdown() : null;
    if (exit) this.#exit(exit, null);
    else state.activity = ACTIVITY.shutdown;
  }
}

const STOPS: Readonly<Record<number, Stop>> = {
  [ACTIVITY.hlt]: "halted",
  [ACTIVITY.shutdown]: "shutdown",
  [ACTIVITY.waitForSipi]: "waiting for SIPI",
};

const DEBUG_TRAP: Decision = { is: "debug trap" };
const NMI: Decision = { is: "NMI" };
const EXTERNAL_INTERRUPT: Decision = { is: "external interrupt" };

const eventOf = (type: "NMI" | "external interrupt", vector: number): Raised => ({
  type,
  vector,
  errorCode: null,
  address: null,
  resume: false,
  debug: 0,
  returnRip: null,
  instructionLength: 0,
});

/** RF is saved as set for faults, but not for #DB and the abort #DF (SDM Vol. 3, "RFLAGS: RF"). */
const asException = ({ vector, errorCode, address, debug }: Fault): Raised => ({
  type: "hardware exception",
  vector,
  errorCode,
  address,
  resume: vector !== VECTORS["#DB"] && vector !== VECTORS["#DF"],
  debug: debug ?? 0,
  returnRip: null,
  instructionLength: 0,
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
