/**
 * Descriptors of LDTs and TSSs, which have 16 bytes in IA-32e mode: SDM Vol. 3, "Segment Descriptor Tables in IA-32e
 * Mode"; and what LAR, LSL, VERR and VERW ask of any descriptor.
 */

import { isCanonical } from "./addressing.ts";
import {
  type Core,
  type Descriptor,
  dpl,
  isConforming,
  isNull,
  isSystem,
  readDescriptor,
  readUpper,
  rplOf,
  segmentFrom,
} from "./descriptors.ts";
import { type Fault, GP0, selectorFault } from "./fault.ts";
import { isFault } from "./mmu.ts";
import { isLongMode } from "./mode.ts";
import type { SegmentState } from "./state.ts";

const TABLE_LDT = 4;
/** The type field of the upper half must be 0. */
const UPPER_TYPE = 0x1f00;

export interface SystemSegment {
  readonly descriptor: Descriptor;
  readonly segment: SegmentState;
}

/** For LLDT and LTR: from the GDT alone. */
export function readSystemSegment(core: Core, selector: number): SystemSegment | Fault {
  const refused = selectorFault("#GP", selector);
  if ((selector & TABLE_LDT) !== 0) return refused;
  const descriptor = readDescriptor(core, selector);
  if (descriptor === null) return refused;
  if (isFault(descriptor)) return descriptor;
  const segment = segmentFrom(selector, descriptor);
  if (!isLongMode(core.state)) return { descriptor, segment };
  const upper = readUpper(core, selector);
  if (upper === null) return refused;
  if (isFault(upper)) return upper;
  const base = segment.base | (BigInt(upper.low) << 32n);
  if ((upper.high & UPPER_TYPE) !== 0) return refused;
  return isCanonical(base) ? { descriptor, segment: { ...segment, base } } : GP0;
}

/** The descriptor that a selector names, where the CPL and its RPL may see it; null where not, or where there is none. */
export function visibleDescriptor(core: Core, selector: number): Descriptor | Fault | null {
  if (isNull(selector)) return null;
  const found = readDescriptor(core, selector);
  if (found === null || isFault(found)) return found;
  const level = Math.max(core.state.cpl, rplOf(selector));
  return isConforming(found) || level <= dpl(found) ? found : null;
}

/** System descriptors of 16 bytes have to lie whole in their table. */
export function isWhole(core: Core, selector: number, descriptor: Descriptor): boolean | Fault {
  if (!isLongMode(core.state) || !isSystem(descriptor)) return true;
  const upper = readUpper(core, selector);
  if (upper === null) return false;
  if (isFault(upper)) return upper;
  return (upper.high & UPPER_TYPE) === 0;
}
