/**
 * Far jumps and calls: SDM Vol. 2A, "JMP—Jump" and "CALL—Call Procedure".
 *
 * Deviation: task gates and task-state segments raise #GP with their selector but in a guest, since hardware task
 * switches are not modelled.
 */

import {
  type Core,
  type Descriptor,
  dpl,
  gateOffset,
  gateSelector,
  isConforming,
  isNull,
  isPresent,
  isSystem,
  readDescriptor,
  readUpper,
  rplOf,
  SYSTEM,
  typeOf,
} from "../descriptors.ts";
import { type Fault, fault, GP0, selectorFault } from "../fault.ts";
import { is64Bit, isLongMode, isRealAddressing } from "../mode.ts";
import type { CpuState } from "../state.ts";
import {
  checkCode,
  checkOffset,
  type CodeTarget,
  codeSegment,
  findCode,
  goReal,
  isLongCode,
} from "./code.ts";
import { realSegment } from "../segments.ts";
import { currentStack, Frame, peek, setStackPointer, type Stack } from "./stack.ts";
import { attemptTaskSwitch, exitsForTasks, isTss } from "./task.ts";
import { innerStack } from "./tss.ts";

type OperandSize = 16 | 32 | 64;
const RSP = 4;

export interface FarPointer {
  readonly selector: number;
  readonly offset: bigint;
}

/** Where a transfer goes, after all gates. */
interface Destination {
  readonly target: CodeTarget;
  readonly offset: bigint;
  readonly level: number;
  /** The gate passed, if any. */
  readonly gate: Descriptor | null;
}

export function jumpFar(core: Core, to: FarPointer): Fault | null {
  const { state } = core;
  if (isRealAddressing(state)) return goReal(state, to.selector, to.offset);
  const found = destination(core, to, "jump");
  return "vector" in found ? found : go(core, found);
}

/** `returnRip` is pushed with CS, in the operand size, or in that of the gate. */
export function callFar(
  core: Core,
  to: FarPointer,
  size: OperandSize,
  returnRip: bigint,
): Fault | null {
  const { state } = core;
  if (isRealAddressing(state)) {
    if (to.offset > BigInt(realSegment(state, "CS", to.selector).limit)) return GP0;
    const pushed = pushReturn(core, currentStack(state), size, returnRip);
    return typeof pushed === "bigint"
      ? finishCall(state, pushed, () => goReal(state, to.selector, to.offset))
      : pushed;
  }
  const found = destination(core, to, "call");
  if ("vector" in found) return found;
  const { gate, level } = found;
  if (gate !== null && level < state.cpl) return callInner(core, found, gate, returnRip);
  const own = currentStack(state);
  const wide: Stack =
    is64Bit(state) || gate === null || !isLongMode(state)
      ? own
      : { ...own, size: 64, pointer: state.gpr(RSP) };
  const pushed = pushReturn(core, wide, gate === null ? size : gateSize(state, gate), returnRip);
  return typeof pushed === "bigint"
    ? finishCall(state, pushed, () => go(core, found), wide.size)
    : pushed;
}

function finishCall(
  state: CpuState,
  pointer: bigint,
  transfer: () => Fault | null,
  size = currentStack(state).size,
): Fault | null {
  const met = transfer();
  if (met === null) setStackPointer(state, pointer, size);
  return met;
}

/** The size of what a gate pushes. */
function gateSize(state: CpuState, gate: Descriptor): OperandSize {
  if (isLongMode(state)) return 64;
  return typeOf(gate) === SYSTEM.callGate ? 32 : 16;
}

/** Pushes CS and RIP; the stack pointer after it, which is not set. */
function pushReturn(
  core: Core,
  stack: Stack,
  size: OperandSize,
  returnRip: bigint,
): bigint | Fault {
  const frame = new Frame(core, stack);
  frame.push(BigInt(core.state.selector("CS")), size / 8);
  frame.push(returnRip, size / 8);
  return frame.write() ?? frame.pointer;
}

function destination(core: Core, to: FarPointer, by: "jump" | "call"): Destination | Fault {
  const { state } = core;
  const { selector } = to;
  if (isNull(selector)) return GP0;
  const found = readDescriptor(core, selector);
  if (found === null) return selectorFault("#GP", selector);
  if ("vector" in found) return found;
  if (isSystem(found)) return throughGate(core, selector, found, by);
  const target = { selector, descriptor: found };
  const refused = checkCode(core, target, false, (code) =>
    isConforming(code)
      ? dpl(code) > state.cpl
      : rplOf(selector) > state.cpl || dpl(code) !== state.cpl,
  );
  if (refused !== null) return refused;
  const outside = checkOffset(core, target, to.offset);
  return outside ?? { target, offset: to.offset, level: state.cpl, gate: null };
}

function throughGate(
  core: Core,
  selector: number,
  gate: Descriptor,
  by: "jump" | "call",
): Destination | Fault {
  const { state } = core;
  const long = isLongMode(state);
  const type = typeOf(gate);
  const invalid = selectorFault("#GP", selector);
  if (!long && (type === SYSTEM.taskGate || isTss(gate))) return toTask(core, selector, gate, by);
  const isGate = type === SYSTEM.callGate || (!long && type === SYSTEM.callGate16);
  if (!isGate || dpl(gate) < state.cpl || rplOf(selector) > dpl(gate)) return invalid;
  let high = 0n;
  if (long) {
    const upper = readUpper(core, selector);
    if (upper === null) return invalid;
    if ("vector" in upper) return upper;
    if ((upper.high & 0x1f00) !== 0) return invalid;
    high = BigInt(upper.low) << 32n;
  }
  if (!isPresent(gate)) return selectorFault("#NP", selector);
  const target = findCode(core, gateSelector(gate), false, (code) => {
    if (dpl(code) > state.cpl) return true;
    return by === "jump" && !isConforming(code) && dpl(code) !== state.cpl;
  });
  if ("vector" in target) return target;
  if (long && !isLongCode(state, target.descriptor)) return selectorFault("#GP", target.selector);
  const offset = high | BigInt(gateOffset(gate, type === SYSTEM.callGate));
  const outside = checkOffset(core, target, offset);
  if (outside !== null) return outside;
  const isInner = by === "call" && !isConforming(target.descriptor);
  const level = isInner ? dpl(target.descriptor) : state.cpl;
  return { target, offset, level, gate };
}

/** A task gate, or a task-state segment itself, with the privilege checks of either. */
function toTask(core: Core, selector: number, found: Descriptor, by: "jump" | "call"): Fault {
  const { state } = core;
  const invalid = selectorFault("#GP", selector);
  if (!exitsForTasks(core) || dpl(found) < state.cpl || rplOf(selector) > dpl(found))
    return invalid;
  const isGate = typeOf(found) === SYSTEM.taskGate;
  if (isGate && !isPresent(found)) return selectorFault("#NP", selector);
  const target = isGate ? gateSelector(found) : selector;
  const attempt = { by: by === "jump" ? "JMP" : "CALL", selector: target } as const;
  return attemptTaskSwitch(core, attempt, invalid);
}

function go(core: Core, { target, offset, level }: Destination): Fault | null {
  const code = codeSegment(core, target, level);
  if ("vector" in code) return code;
  core.state.setSegment("CS", code);
  core.state.rip = offset;
  return null;
}

/** A call through a gate to an inner level: the stack changes, and parameters are copied. */
function callInner(
  core: Core,
  found: Destination,
  gate: Descriptor,
  returnRip: bigint,
): Fault | null {
  const { state } = core;
  const { level } = found;
  const size = gateSize(state, gate);
  const bytes = size / 8;
  const stack = innerStack(core, level, false);
  if ("vector" in stack) return stack;
  const count = isLongMode(state) ? 0 : gate.high & 31;
  const parameters = peek(core, count, bytes);
  if (!Array.isArray(parameters)) return parameters;
  const frame = new Frame(core, { ...stack, fault: fault("#SS", stack.fault.errorCode) });
  frame.push(BigInt(state.selector("SS")), bytes);
  frame.push(state.gpr(RSP), bytes);
  for (const value of parameters.toReversed()) frame.push(value, bytes);
  frame.push(BigInt(state.selector("CS")), bytes);
  frame.push(returnRip, bytes);
  const unwritten = frame.write();
  if (unwritten !== null) return unwritten;
  const met = go(core, found);
  if (met !== null) return met;
  state.setSegment("SS", stack.segment);
  setStackPointer(state, frame.pointer, stack.size);
  return null;
}
