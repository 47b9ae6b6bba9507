/** Loads of segment registers with their checks: SDM Vol. 2B, "MOV—Move"; Vol. 3, "Segment Descriptor Tables in IA-32e Mode". */

import {
  type Core,
  type Descriptor,
  dpl,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isSystem,
  isWritableData,
  markAccessed,
  readDescriptor,
  rplOf,
  segmentFrom,
} from "./descriptors.ts";
import { type Fault, GP0, selectorFault } from "./fault.ts";
import { is64Bit, isRealAddressing, isVirtual8086 } from "./mode.ts";
import { type CpuState, RIGHTS, type SegmentState } from "./state.ts";
import type { SegmentName } from "./uop.ts";

const V86_RIGHTS = 0xf3;
const LIMIT_16 = 0xffff;

/** A segment register with a null selector; the DPL stays of meaning for SS. */
export const nullSegment = (selector: number, level = 0): SegmentState => ({
  selector,
  base: 0n,
  limit: 0,
  rights: RIGHTS.unusable | (level << 5),
});

/** As the 8086 loads a segment: limit and rights stay in real-address mode, and are fixed in virtual-8086 mode. */
export function realSegment(state: CpuState, name: SegmentName, selector: number): SegmentState {
  const base = BigInt(selector) << 4n;
  if (isVirtual8086(state)) return { selector, base, limit: LIMIT_16, rights: V86_RIGHTS };
  return { ...state.segment(name), selector, base };
}

/** MOV, POP, LDS and their like into any register but CS. Changes nothing on a fault. */
export function loadSegment(
  core: Core,
  name: Exclude<SegmentName, "CS">,
  selector: number,
): Fault | null {
  const { state } = core;
  if (isRealAddressing(state)) {
    state.setSegment(name, realSegment(state, name, selector));
    return null;
  }
  if (isNull(selector)) return loadNull(core, name, selector);
  const found = readDescriptor(core, selector);
  if (found === null) return selectorFault("#GP", selector);
  if ("vector" in found) return found;
  const refused =
    name === "SS" ? refusesStack(state, selector, found) : refusesData(state, selector, found);
  if (refused !== null) return refused;
  const marked = markAccessed(core, found);
  if ("vector" in marked) return marked;
  state.setSegment(name, segmentFrom(selector, marked));
  return null;
}

/** A null selector in SS is allowed in 64-bit mode but at CPL 3. */
function loadNull(core: Core, name: SegmentName, selector: number): Fault | null {
  const { state } = core;
  if (name === "SS") {
    const allowed = is64Bit(state) && state.cpl < 3 && rplOf(selector) === state.cpl;
    if (!allowed) return GP0;
    state.setSegment("SS", nullSegment(selector, state.cpl));
    return null;
  }
  // On AMD's processors the bases of FS and GS stay (APM Vol. 2, "FS and GS Registers in 64-Bit Mode").
  const keepsBase = core.environment.profile.vendor === "amd" && (name === "FS" || name === "GS");
  const base = keepsBase ? state.segmentBase(name) : 0n;
  state.setSegment(name, { ...nullSegment(selector), base });
  return null;
}

function refusesStack(state: CpuState, selector: number, descriptor: Descriptor): Fault | null {
  const { cpl } = state;
  const isMine = rplOf(selector) === cpl && dpl(descriptor) === cpl;
  if (!isMine || !isWritableData(descriptor)) return selectorFault("#GP", selector);
  return isPresent(descriptor) ? null : selectorFault("#SS", selector);
}

function refusesData(state: CpuState, selector: number, descriptor: Descriptor): Fault | null {
  const level = Math.max(rplOf(selector), state.cpl);
  const isPrivate = !isConforming(descriptor) && level > dpl(descriptor);
  if (isSystem(descriptor) || !isReadable(descriptor) || isPrivate)
    return selectorFault("#GP", selector);
  return isPresent(descriptor) ? null : selectorFault("#NP", selector);
}

/** Segments that a program of an outer level must not keep (SDM Vol. 2B, "RET—Return From Procedure"). */
export function dropInnerSegments(state: CpuState): void {
  for (const name of ["ES", "FS", "GS", "DS"] as const) {
    const { rights, selector } = state.segment(name);
    const isConformingCode = (rights & 0x1c) === 0x1c;
    const isUnusable = (rights & RIGHTS.unusable) !== 0;
    if (!isUnusable && !isConformingCode && state.cpl > ((rights >> 5) & 3))
      state.setSegment(name, { ...nullSegment(0), base: state.segmentBase(name) });
    else if (isUnusable && selector !== 0)
      state.setSegment(name, { ...nullSegment(0), base: state.segmentBase(name) });
  }
}
