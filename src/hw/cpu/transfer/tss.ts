/** Stacks of inner levels, from the task-state segment: SDM Vol. 3, "Task-State Segment (TSS)", "64-Bit Task-State Segment". */

import {
  type Core,
  dpl,
  isNull,
  isPresent,
  isWritableData,
  markAccessed,
  readDescriptor,
  rplOf,
  segmentFrom,
  SYSTEM,
  wrap,
} from "../descriptors.ts";
import { type Fault, selectorFault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { isLongMode } from "../mode.ts";
import type { SegmentState } from "../state.ts";
import { nullSegment } from "../segments.ts";
import { sizeOfStack, type Stack } from "./stack.ts";

const RSP0 = 4;
const IST1 = 36;

/** `count` bytes of the TSS, or #TS when it ends before. */
export function readTss(
  core: Core,
  offset: number,
  count: number,
  external: boolean,
): bigint | Fault {
  const { base, limit, selector } = core.state.systemSegment("TR");
  if (offset + count - 1 > limit) return selectorFault("#TS", selector, external);
  return core.memory.read(wrap(core.state, base + BigInt(offset)), count, "read", "system");
}

/** The stack of a level; in IA-32e mode that of an interrupt stack table entry from 1 to 7 if one is given. */
export function innerStack(core: Core, level: number, external: boolean, ist = 0): Stack | Fault {
  if (!isLongMode(core.state)) return legacyStack(core, level, external);
  const at = ist === 0 ? RSP0 + 8 * level : IST1 + 8 * (ist - 1);
  const pointer = readTss(core, at, 8, external);
  if (isFault(pointer)) return pointer;
  return {
    segment: nullSegment(level, level),
    size: 64,
    pointer,
    as: level === 3 ? "user" : "system",
    fault: selectorFault("#SS", 0, external),
  };
}

function legacyStack(core: Core, level: number, external: boolean): Stack | Fault {
  const type = core.state.systemSegment("TR").rights & 15;
  const wide = type === SYSTEM.tss || type === SYSTEM.busyTss;
  const at = wide ? 4 + 8 * level : 2 + 4 * level;
  const pointer = readTss(core, at, wide ? 4 : 2, external);
  if (isFault(pointer)) return pointer;
  const selector = readTss(core, at + (wide ? 4 : 2), 2, external);
  if (isFault(selector)) return selector;
  const segment = innerStackSegment(core, Number(selector), level, external);
  if ("vector" in segment) return segment;
  const size = sizeOfStack(segment);
  const fault = selectorFault("#SS", segment.selector, external);
  return { segment, size, pointer, as: "system", fault };
}

function innerStackSegment(
  core: Core,
  selector: number,
  level: number,
  external: boolean,
): SegmentState | Fault {
  if (isNull(selector)) return selectorFault("#TS", 0, external);
  const invalid = selectorFault("#TS", selector, external);
  const found = readDescriptor(core, selector);
  if (found === null) return invalid;
  if ("vector" in found) return found;
  const isMine = rplOf(selector) === level && dpl(found) === level;
  if (!isMine || !isWritableData(found)) return invalid;
  if (!isPresent(found)) return selectorFault("#SS", selector, external);
  const marked = markAccessed(core, found);
  return "vector" in marked ? marked : segmentFrom(selector, marked);
}
