/** Segment descriptors and gates: SDM Vol. 3, "Segment Descriptors", "System Descriptor Types", "Gate Descriptors". */

import type { EngineParts } from "./engine/engine.ts";
import type { Fault } from "./fault.ts";
import { isFault } from "./mmu.ts";
import { isLongMode } from "./mode.ts";
import { RIGHTS, type SegmentState } from "./state.ts";

/** What works on a CPU's segments needs of it; an assist's context is one. */
export type Core = Pick<EngineParts, "state" | "memory" | "environment" | "virtualization"> & {
  /** The instruction that is at work, if it is one. */
  readonly decoded?: { readonly length: number };
};

export interface Descriptor {
  /** Linear address of its first byte. */
  readonly address: bigint;
  readonly low: number;
  readonly high: number;
}

/** Types of system descriptors; the 16-bit ones do not exist in IA-32e mode. */
export const SYSTEM = {
  tss16: 1,
  ldt: 2,
  busyTss16: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss: 9,
  busyTss: 11,
  callGate: 12,
  interruptGate: 14,
  trapGate: 15,
} as const;

const TABLE_LDT = 4;
const ACCESSED = 0x100;
const PAGE_GRANULES = 0xfff;

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;
export const rplOf = (selector: number): number => selector & 3;

/** Access rights as in CpuState. */
export const rightsOf = ({ high }: Descriptor): number => (high >>> 8) & 0xf0ff;
export const typeOf = ({ high }: Descriptor): number => (high >>> 8) & 15;
export const dpl = ({ high }: Descriptor): number => (high >>> 13) & 3;
export const isPresent = ({ high }: Descriptor): boolean => (high & 0x8000) !== 0;
export const isSystem = ({ high }: Descriptor): boolean => (high & 0x1000) === 0;
export const isCode = (descriptor: Descriptor): boolean =>
  !isSystem(descriptor) && (typeOf(descriptor) & 8) !== 0;
export const isConforming = (descriptor: Descriptor): boolean =>
  isCode(descriptor) && (typeOf(descriptor) & 4) !== 0;
export const isWritableData = (descriptor: Descriptor): boolean =>
  !isSystem(descriptor) && (typeOf(descriptor) & 10) === 2;
export const isReadable = (descriptor: Descriptor): boolean =>
  !isSystem(descriptor) && (typeOf(descriptor) & 10) !== 8;

/** The descriptor of a selector that is not null; null when it lies beyond its table. */
export function readDescriptor(core: Core, selector: number): Descriptor | Fault | null {
  const at = tableEntry(core, selector, 8);
  return at === null ? null : readAt(core, at);
}

function readAt({ memory }: Core, address: bigint): Descriptor | Fault {
  const value = memory.read(address, 8, "read", "system");
  if (isFault(value)) return value;
  return { address, low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) };
}

/** The linear address of an entry of so many bytes in the GDT or LDT, or null. */
function tableEntry({ state }: Core, selector: number, bytes: number): bigint | null {
  const offset = selector & 0xfff8;
  const local = (selector & TABLE_LDT) !== 0;
  const ldt = state.systemSegment("LDTR");
  if (local && (ldt.rights & RIGHTS.unusable) !== 0) return null;
  const { base, limit } = local ? ldt : state.table("GDTR");
  if (offset + bytes - 1 > limit) return null;
  return wrap(state, base + BigInt(offset));
}

/** Linear addresses have 32 bits outside IA-32e mode. */
export const wrap = (state: Core["state"], linear: bigint): bigint =>
  BigInt.asUintN(isLongMode(state) ? 64 : 32, linear);

/** Bits 63 to 32 of the base, or of the offset, of a system descriptor of 16 bytes; null beyond the table. */
export function readUpper(core: Core, selector: number): Descriptor | Fault | null {
  const at = tableEntry(core, selector, 16);
  return at === null ? null : readAt(core, at + 8n);
}

export function segmentFrom(selector: number, descriptor: Descriptor): SegmentState {
  const { low, high } = descriptor;
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
  const short = (low & 0xffff) | (high & 0xf_0000);
  const rights = rightsOf(descriptor);
  const limit = (rights & RIGHTS.granularity) === 0 ? short : ((short << 12) | PAGE_GRANULES) >>> 0;
  return { selector, base: BigInt(base), limit, rights };
}

/** Sets the accessed bit in the table and gives the descriptor as it then is, or the fault of the write. */
export function markAccessed(core: Core, descriptor: Descriptor): Descriptor | Fault {
  if ((descriptor.high & ACCESSED) !== 0) return descriptor;
  const marked = { ...descriptor, high: (descriptor.high | ACCESSED) >>> 0 };
  const byte = BigInt((marked.high >>> 8) & 0xff);
  return core.memory.write(descriptor.address + 5n, 1, byte, "system") ?? marked;
}

/** What gates hold: SDM Vol. 3, "Call Gates" and "Gate Descriptors in IA-32e Mode". */
export const gateSelector = ({ low }: Descriptor): number => low >>> 16;
export const gateOffset = ({ low, high }: Descriptor, wide: boolean): number =>
  wide ? ((low & 0xffff) | (high & 0xffff_0000)) >>> 0 : low & 0xffff;
