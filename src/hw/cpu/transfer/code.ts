/** Code segments that control is transferred to: SDM Vol. 3, "Privilege Level Checking When Transferring Program Control Between Code Segments". */

import { isCanonical } from "../addressing.ts";
import {
  type Core,
  type Descriptor,
  isCode,
  isNull,
  isPresent,
  markAccessed,
  readDescriptor,
  rightsOf,
  segmentFrom,
} from "../descriptors.ts";
import { type Fault, fault, selectorFault } from "../fault.ts";
import { isLongMode } from "../mode.ts";
import { type CpuState, RIGHTS, type SegmentState } from "../state.ts";
import { realSegment } from "../segments.ts";

/** A code segment with its descriptor, checked for type and presence. */
export interface CodeTarget {
  readonly selector: number;
  readonly descriptor: Descriptor;
}

/** Finds a code segment. `refuses` says whether its privilege forbids the transfer. Null selectors are #GP(EXT). */
export function findCode(
  core: Core,
  selector: number,
  external: boolean,
  refuses: (descriptor: Descriptor) => boolean,
): CodeTarget | Fault {
  if (isNull(selector)) return selectorFault("#GP", 0, external);
  const invalid = selectorFault("#GP", selector, external);
  const found = readDescriptor(core, selector);
  if (found === null) return invalid;
  if ("vector" in found) return found;
  return (
    checkCode(core, { selector, descriptor: found }, external, refuses) ?? {
      selector,
      descriptor: found,
    }
  );
}

/** The fault of a descriptor that is no code segment to go to, or null. */
export function checkCode(
  core: Core,
  { selector, descriptor }: CodeTarget,
  external: boolean,
  refuses: (descriptor: Descriptor) => boolean,
): Fault | null {
  const invalid = selectorFault("#GP", selector, external);
  if (!isCode(descriptor) || refuses(descriptor)) return invalid;
  // L and D together are reserved (SDM Vol. 3, "Code Segment Descriptor in 64-bit Mode").
  const both = RIGHTS.long | RIGHTS.big;
  if (isLongMode(core.state) && (rightsOf(descriptor) & both) === both) return invalid;
  return isPresent(descriptor) ? null : selectorFault("#NP", selector, external);
}

/** 64-bit code in IA-32e mode. */
export const isLongCode = (state: CpuState, descriptor: Descriptor): boolean =>
  isLongMode(state) && (rightsOf(descriptor) & RIGHTS.long) !== 0;

/** The fault of a target that is not in the segment, #GP(EXT), or null. */
export function checkOffset(
  core: Core,
  { selector, descriptor }: CodeTarget,
  offset: bigint,
  external = false,
): Fault | null {
  const isInside = isLongCode(core.state, descriptor)
    ? isCanonical(offset)
    : offset <= BigInt(segmentFrom(selector, descriptor).limit);
  return isInside ? null : fault("#GP", external ? 1 : 0);
}

/** What CS is to be at a level: the accessed bit is set, the RPL is the level. */
export function codeSegment(
  core: Core,
  { selector, descriptor }: CodeTarget,
  level: number,
): SegmentState | Fault {
  const marked = markAccessed(core, descriptor);
  return "vector" in marked ? marked : segmentFrom((selector & ~3) | level, marked);
}

/** Goes to a segment as the 8086 does; the fault when the offset is beyond its limit. */
export function goReal(state: CpuState, selector: number, offset: bigint): Fault | null {
  const segment = realSegment(state, "CS", selector);
  if (offset > BigInt(segment.limit)) return fault("#GP", 0);
  state.setSegment("CS", segment);
  state.rip = offset;
  return null;
}
