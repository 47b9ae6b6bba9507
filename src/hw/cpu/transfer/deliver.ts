/**
 * Delivery of interrupts and exceptions through the IDT: SDM Vol. 2A, "INT n/INTO/INT3/INT1—Call to Interrupt
 * Procedure"; Vol. 3, "Interrupt and Exception Handling".
 *
 * Deviation: task gates raise #GP with their own error code but in a guest, since hardware task switches are not
 * modelled.
 */

import { EVENT_CYCLES } from "../cycles.ts";
import {
  type Core,
  type Descriptor,
  dpl,
  gateOffset,
  gateSelector,
  isConforming,
  isPresent,
  SYSTEM,
  typeOf,
  wrap,
} from "../descriptors.ts";
import { type Fault, fault, selectorFault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { isLongMode, isVirtual8086 } from "../mode.ts";
import { nullSegment } from "../segments.ts";
import { BIT, BLOCKING, type CpuState, RFLAGS } from "../state.ts";
import { checkOffset, type CodeTarget, codeSegment, findCode, isLongCode } from "./code.ts";
import { currentStack, Frame, setStackPointer, type Stack } from "./stack.ts";
import { attemptTaskSwitch, exitsForTasks } from "./task.ts";
import { innerStack } from "./tss.ts";

/** As in the interruption-information fields of a VMCS (SDM Vol. 3, "VM-Entry Controls for Event Injection"). */
export type EventType =
  | "external interrupt"
  | "NMI"
  | "hardware exception"
  | "software interrupt"
  | "privileged software exception"
  | "software exception";

/** An event on its way to delivery. */
export interface Raised {
  readonly type: EventType;
  readonly vector: number;
  readonly errorCode: number | null;
  /** For CR2. */
  readonly address: bigint | null;
  readonly resume: boolean;
  /** Bits of DR6 of a debug exception. */
  readonly debug: number;
  /** The RIP to return to; null when it is the one at which the event is met. */
  readonly returnRip: bigint | null;
  /** Of the instruction that is a software interrupt or exception; 0 for others. */
  readonly instructionLength: number;
}

export interface DeliveredEvent {
  readonly type: EventType;
  readonly vector: number;
  readonly errorCode: number | null;
  /** The RIP to return to. */
  readonly returnRip: bigint;
  /** RF as the handler is to find it in the saved flags: set for faults. */
  readonly resume: boolean;
}

const IDT_FLAG = 2;
const IVT_ENTRY = 4;
const CLEARED = RFLAGS.TF | RFLAGS.NT | RFLAGS.RF | RFLAGS.VM;
const RSP = 4;
const RED_ALIGNMENT = ~15n;

/** EXT: not caused by INT n, INT3 or INTO. */
const isExternal = ({ type }: DeliveredEvent): boolean =>
  type !== "software interrupt" && type !== "software exception";

const isSoftware = ({ type }: DeliveredEvent): boolean =>
  type === "software interrupt" ||
  type === "software exception" ||
  type === "privileged software exception";

/** Goes to the handler, or gives the fault that delivery met, with nothing changed. */
export function deliver(core: Core, event: DeliveredEvent): Fault | null {
  const { state } = core;
  const met = state.has("CR0", BIT.CR0.PE)
    ? deliverProtected(core, event)
    : deliverReal(core, event);
  if (met !== null) return met;
  state.blocking &= ~(BLOCKING.sti | BLOCKING.movSs);
  if (event.type === "NMI") state.blocking |= BLOCKING.nmi;
  state.cycles += EVENT_CYCLES.delivery;
  state.attention = true;
  state.hasEntered = true;
  return null;
}

function deliverReal(core: Core, event: DeliveredEvent): Fault | null {
  const { state, memory } = core;
  const { base, limit } = state.table("IDTR");
  const at = event.vector * IVT_ENTRY;
  if (at + IVT_ENTRY - 1 > limit) return selectorFault("#GP", event.vector * 8 + IDT_FLAG);
  const entry = memory.read(wrap(state, base + BigInt(at)), IVT_ENTRY, "read", "system");
  if (isFault(entry)) return entry;
  const frame = new Frame(core, currentStack(state));
  frame.push(state.rflags, 2);
  frame.push(BigInt(state.selector("CS")), 2);
  frame.push(event.returnRip, 2);
  const unwritten = frame.write();
  if (unwritten !== null) return unwritten;
  setStackPointer(state, frame.pointer, currentStack(state).size);
  const selector = Number(entry >> 16n);
  state.setSegment("CS", { ...state.segment("CS"), selector, base: BigInt(selector) << 4n });
  state.rip = entry & 0xffffn;
  state.rflags &= ~(RFLAGS.TF | RFLAGS.IF | RFLAGS.AC | RFLAGS.RF);
  return null;
}

interface Gate {
  readonly type: number;
  readonly selector: number;
  readonly offset: bigint;
  readonly ist: number;
}

function deliverProtected(core: Core, event: DeliveredEvent): Fault | null {
  const { state } = core;
  const external = isExternal(event);
  const gate = findGate(core, event);
  if ("vector" in gate) return gate;
  const virtual = isVirtual8086(state);
  const target = findCode(core, gate.selector, external, (code) => refuses(state, code, virtual));
  if ("vector" in target) return target;
  if (isLongMode(state) && !isLongCode(state, target.descriptor))
    return selectorFault("#GP", target.selector, external);
  const level = isConforming(target.descriptor) ? state.cpl : dpl(target.descriptor);
  const changes = level < state.cpl;
  const stack = stackFor(core, gate, changes ? level : null, external);
  if ("vector" in stack) return stack;
  const outside = checkOffset(core, target, gate.offset, external);
  if (outside !== null) return outside;
  const wide = (gate.type & 8) !== 0;
  const frame = new Frame(core, stack);
  pushFrame(frame, state, event, isLongMode(state) ? 8 : wide ? 4 : 2, changes);
  const unwritten = frame.write();
  if (unwritten !== null) return unwritten;
  return enter(core, { gate, target, level, changes, stack, pointer: frame.pointer, virtual });
}

/** What forbids the transfer: an outer level; from virtual-8086 mode, any level but 0. */
function refuses(state: CpuState, code: Descriptor, virtual: boolean): boolean {
  if (dpl(code) > state.cpl) return true;
  return virtual && (isConforming(code) || dpl(code) !== 0);
}

function findGate(core: Core, event: DeliveredEvent): Gate | Fault {
  const { state, memory } = core;
  const long = isLongMode(state);
  const bytes = long ? 16 : 8;
  const { base, limit } = state.table("IDTR");
  const external = isExternal(event);
  const named = event.vector * 8 + IDT_FLAG + (external ? 1 : 0);
  const invalid = fault("#GP", named);
  const at = event.vector * bytes;
  if (at + bytes - 1 > limit) return invalid;
  const linear = wrap(state, base + BigInt(at));
  const first = memory.read(linear, 8, "read", "system");
  if (isFault(first)) return first;
  const second = long ? memory.read(linear + 8n, 8, "read", "system") : 0n;
  if (isFault(second)) return second;
  const gate: Descriptor = {
    address: linear,
    low: Number(first & 0xffff_ffffn),
    high: Number(first >> 32n),
  };
  const type = typeOf(gate);
  const types: readonly number[] = long ? GATES.slice(2) : GATES;
  const isTask = !long && type === SYSTEM.taskGate;
  if ((gate.high & 0x1000) !== 0 || !(isTask || types.includes(type))) return invalid;
  const isInvoked = isSoftware(event) && event.type !== "privileged software exception";
  if (isInvoked && dpl(gate) < state.cpl) return invalid;
  if (!isPresent(gate)) return isTask && !exitsForTasks(core) ? invalid : fault("#NP", named);
  if (isTask) {
    const { errorCode } = event;
    const attempt = { by: "task gate", selector: gateSelector(gate), errorCode } as const;
    return attemptTaskSwitch(core, attempt, invalid, external);
  }
  const low = BigInt(gateOffset(gate, (type & 8) !== 0));
  return {
    type,
    selector: gateSelector(gate),
    offset: ((second & 0xffff_ffffn) << 32n) | low,
    ist: long ? gate.high & 7 : 0,
  };
}

const GATES = [
  SYSTEM.interruptGate16,
  SYSTEM.trapGate16,
  SYSTEM.interruptGate,
  SYSTEM.trapGate,
] as const;

/** The stack of the handler: with a level to change to or an IST entry, from the TSS. */
function stackFor(
  core: Core,
  { ist }: Gate,
  level: number | null,
  external: boolean,
): Stack | Fault {
  const { state } = core;
  const aligned = (stack: Stack | Fault): Stack | Fault =>
    "vector" in stack || !isLongMode(state)
      ? stack
      : { ...stack, pointer: stack.pointer & RED_ALIGNMENT };
  if (level !== null) return aligned(innerStack(core, level, external, ist));
  const own = currentStack(state, fault("#SS", external ? 1 : 0));
  if (!isLongMode(state)) return own;
  const large: Stack = { ...own, size: 64, pointer: state.gpr(RSP) };
  if (ist === 0) return aligned(large);
  const stack = innerStack(core, state.cpl, external, ist);
  return "vector" in stack ? stack : aligned({ ...large, pointer: stack.pointer });
}

function pushFrame(
  frame: Frame,
  state: CpuState,
  event: DeliveredEvent,
  bytes: number,
  changes: boolean,
): void {
  const selector = (name: "SS" | "CS" | "DS" | "ES" | "FS" | "GS"): bigint =>
    BigInt(state.selector(name));
  if (isVirtual8086(state)) {
    for (const name of ["GS", "FS", "DS", "ES"] as const) frame.push(selector(name), bytes);
  }
  if (changes || isLongMode(state)) {
    frame.push(selector("SS"), bytes);
    frame.push(state.gpr(RSP), bytes);
  }
  const resume = event.resume ? RFLAGS.RF : 0n;
  frame.push(state.rflags | resume, bytes);
  frame.push(selector("CS"), bytes);
  frame.push(event.returnRip, bytes);
  if (event.errorCode !== null) frame.push(BigInt(event.errorCode), bytes);
}

interface Entry {
  readonly gate: Gate;
  readonly target: CodeTarget;
  readonly level: number;
  readonly changes: boolean;
  readonly stack: Stack;
  readonly pointer: bigint;
  readonly virtual: boolean;
}

function enter(core: Core, entry: Entry): Fault | null {
  const { state } = core;
  const { gate, target, level, changes, stack, virtual } = entry;
  const code = codeSegment(core, target, level);
  if ("vector" in code) return code;
  if (changes) state.setSegment("SS", stack.segment);
  setStackPointer(state, entry.pointer, stack.size);
  if (virtual) {
    for (const name of ["DS", "ES", "FS", "GS"] as const) state.setSegment(name, nullSegment(0));
  }
  state.setSegment("CS", code);
  state.rip = gate.offset;
  const isInterruptGate = (gate.type & 1) === 0;
  state.rflags &= ~(CLEARED | (isInterruptGate ? RFLAGS.IF : 0n));
  return null;
}
