/**
 * Far returns: SDM Vol. 2B, "RET—Return From Procedure"; Vol. 2A, "IRET/IRETD/IRETQ—Interrupt Return".
 *
 * Deviation: IRET with NT set outside IA-32e mode raises #GP(0), since hardware task switches are not modelled.
 */

import {
  type Core,
  type Descriptor,
  dpl,
  isConforming,
  isNull,
  isPresent,
  isWritableData,
  markAccessed,
  readDescriptor,
  rplOf,
  segmentFrom,
} from "../descriptors.ts";
import { returnToTask } from "./task.ts";
import { type Fault, GP0, selectorFault } from "../fault.ts";
import { commitFlags, popFlags } from "../flag-writes.ts";
import { is64Bit, iopl, isLongMode, isVirtual8086, stackSizeOf } from "../mode.ts";
import { dropInnerSegments, nullSegment } from "../segments.ts";
import { BIT, BLOCKING, type CpuState, RFLAGS, RIGHTS, type SegmentState } from "../state.ts";
import { SEGMENT_NAMES } from "../uop.ts";
import { checkOffset, type CodeTarget, codeSegment, findCode, goReal, isLongCode } from "./code.ts";
import { peek, setStackPointer, sizeOfStack } from "./stack.ts";

type OperandSize = 16 | 32 | 64;
const RSP = 4;
const V86_RIGHTS = 0xf3;
const LIMIT_16 = 0xffff;

/** What both kinds of return have in common. */
interface Return {
  readonly size: OperandSize;
  readonly selector: number;
  readonly rip: bigint;
  /** Bytes on the stack between CS, or the flags, and the outer stack pointer; then also dropped from the outer stack. */
  readonly released: number;
  /** How far the outer stack pointer lies from the top, without `released`. */
  readonly depth: number;
}

/** RET to another segment; `released` bytes of parameters are dropped from both stacks. */
export function returnFar(core: Core, size: OperandSize, released: number): Fault | null {
  const { state } = core;
  const bytes = size / 8;
  const values = peek(core, 2, bytes);
  if (!Array.isArray(values)) return values;
  const [rip, cs] = values as [bigint, bigint];
  const selector = Number(cs & 0xffffn);
  if (!state.has("CR0", BIT.CR0.PE) || isVirtual8086(state)) {
    const fault = goReal(state, selector, rip);
    if (fault === null) dropStack(state, 2 * bytes + released);
    return fault;
  }
  return goBack(core, { size, selector, rip, released, depth: 2 * bytes }, null);
}

/** IRET. NMIs are no longer blocked when it has succeeded. */
export function returnFromInterrupt(core: Core, size: OperandSize): Fault | null {
  const { state } = core;
  const met = interruptReturn(core, size);
  if (met !== null) return met;
  if (!state.isGuest || core.virtualization?.iretUnblocksNmis() !== false)
    state.blocking &= ~BLOCKING.nmi;
  state.attention = true;
  return null;
}

function interruptReturn(core: Core, size: OperandSize): Fault | null {
  const { state } = core;
  const isProtected = state.has("CR0", BIT.CR0.PE);
  if (isVirtual8086(state) && iopl(state) < 3) return GP0;
  if (isProtected && !isVirtual8086(state) && state.hasFlag(BIT.RFLAGS.NT))
    return isLongMode(state) ? GP0 : returnToTask(core, GP0);
  const bytes = size / 8;
  const values = peek(core, 3, bytes);
  if (!Array.isArray(values)) return values;
  const [rip, cs, image] = values as [bigint, bigint, bigint];
  const selector = Number(cs & 0xffffn);
  if (!isProtected || isVirtual8086(state)) {
    const flags = popFlags(state, image, size, "IRET");
    const fault = goReal(state, selector, rip);
    if (fault !== null) return fault;
    dropStack(state, 3 * bytes);
    commitFlags(core, flags);
    return null;
  }
  const toVirtual = size === 32 && !isLongMode(state) && state.cpl === 0;
  if (toVirtual && (image & RFLAGS.VM) !== 0n) return enterVirtual8086(core, values);
  return goBack(core, { size, selector, rip, released: 0, depth: 3 * bytes }, image);
}

/** The nine doublewords of a return to virtual-8086 mode. */
function enterVirtual8086(core: Core, top: readonly bigint[]): Fault | null {
  const { state } = core;
  const rest = peek(core, 6, 4, 12);
  if (!Array.isArray(rest)) return rest;
  const [rip, cs, image] = top as [bigint, bigint, bigint];
  if (rip > BigInt(LIMIT_16)) return GP0;
  const [esp, ss, es, ds, fs, gs] = rest.map((value) => Number(value)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  state.rflags = popFlags(state, image, 32, "IRET");
  const selectors = { ES: es, CS: Number(cs), SS: ss, DS: ds, FS: fs, GS: gs };
  for (const name of SEGMENT_NAMES) {
    const selector = selectors[name] & 0xffff;
    const base = BigInt(selector) << 4n;
    state.setSegment(name, { selector, base, limit: LIMIT_16, rights: V86_RIGHTS });
  }
  state.setGpr(RSP, BigInt(esp >>> 0));
  state.rip = rip;
  return null;
}

/** Within protected mode: to the same level or an outer one. `image` are the flags of an IRET. */
function goBack(core: Core, to: Return, image: bigint | null): Fault | null {
  const { state } = core;
  const level = rplOf(to.selector);
  const target = findCode(core, to.selector, false, (code) => refuses(state, code, level));
  if ("vector" in target) return target;
  const outer = level > state.cpl;
  // IRET in 64-bit mode pops a stack pointer always.
  const popsStack = outer || (image !== null && is64Bit(state));
  const stack = popsStack ? outerStack(core, to, target, level) : null;
  if (stack !== null && "vector" in stack) return stack;
  const outside = checkOffset(core, target, to.rip);
  if (outside !== null) return outside;
  const flags = image === null ? null : popFlags(state, image, to.size, "IRET");
  const code = codeSegment(core, target, level);
  if ("vector" in code) return code;
  if (stack === null) dropStack(state, to.depth + to.released);
  state.setSegment("CS", code);
  state.rip = to.rip;
  if (flags !== null) commitFlags(core, flags);
  if (stack !== null) {
    state.setSegment("SS", stack.segment);
    const size = isLongTarget(code, state) ? 64 : sizeOfStack(stack.segment);
    setStackPointer(state, stack.pointer + BigInt(to.released), size);
  }
  if (outer) dropInnerSegments(state);
  return null;
}

/** A return never goes inwards; a conforming segment may be of an inner level. */
function refuses(state: CpuState, code: Descriptor, level: number): boolean {
  if (level < state.cpl) return true;
  return isConforming(code) ? dpl(code) > level : dpl(code) !== level;
}

const isLongTarget = ({ rights }: SegmentState, state: CpuState): boolean =>
  isLongMode(state) && (rights & RIGHTS.long) !== 0;

interface OuterStack {
  readonly segment: SegmentState;
  readonly pointer: bigint;
}

function outerStack(
  core: Core,
  { size, released, depth }: Return,
  target: CodeTarget,
  level: number,
): OuterStack | Fault {
  const bytes = size / 8;
  const values = peek(core, 2, bytes, depth + released);
  if (!Array.isArray(values)) return values;
  const [pointer, ss] = values as [bigint, bigint];
  const selector = Number(ss & 0xffffn);
  if (isNull(selector)) {
    const allowed = isLongCode(core.state, target.descriptor) && level < 3;
    if (!allowed || rplOf(selector) !== level) return GP0;
    return { segment: nullSegment(selector, level), pointer };
  }
  const invalid = selectorFault("#GP", selector);
  const found = readDescriptor(core, selector);
  if (found === null) return invalid;
  if ("vector" in found) return found;
  const isRight = rplOf(selector) === level && dpl(found) === level && isWritableData(found);
  if (!isRight) return invalid;
  if (!isPresent(found)) return selectorFault("#SS", selector);
  const marked = markAccessed(core, found);
  return "vector" in marked ? marked : { segment: segmentFrom(selector, marked), pointer };
}

function dropStack(state: CpuState, bytes: number): void {
  const size = stackSizeOf(state);
  setStackPointer(state, BigInt.asUintN(size, state.gpr(RSP) + BigInt(bytes)), size);
}
