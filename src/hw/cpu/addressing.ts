/**
 * From the operands of a decoded instruction to linear addresses: SDM Vol. 1, "Operand Addressing"; the checks of
 * segments on the way, Vol. 3, "Limit Checking", "Type Checking" and "Canonical Addressing".
 */

import { type Decoded, displacementOf, type MemoryOperand } from "./decode.ts";
import { type Fault, GP0, SS0 } from "./fault.ts";
import { is64Bit, isRealAddressing } from "./mode.ts";
import { type CpuState, RIGHTS, type SegmentState } from "./state.ts";
import type { SegmentChoice, SegmentName } from "./uop.ts";

/** The offset of the memory operand at `operand`, before it is truncated to the address size. */
export function effectiveAddress(
  state: CpuState,
  decoded: Decoded,
  operand: number,
  nextRip: bigint,
): bigint {
  const { memory } = decoded.operands[operand] as { readonly memory: MemoryOperand };
  const { base, index, scale } = memory;
  const from = base === "rip" ? nextRip : base === null ? 0n : state.gpr(base);
  const plus = index === null ? 0n : state.gpr(index) * BigInt(scale);
  return BigInt.asUintN(64, from + plus + displacementOf(decoded, memory));
}

export const isCanonical = (linear: bigint): boolean =>
  BigInt.asUintN(64, BigInt.asIntN(48, linear)) === linear;

/** Whether an access is; one across the end of the canonical addresses is not. */
export const isCanonicalAccess = (linear: bigint, size: number): boolean =>
  isCanonical(linear) && isCanonical(BigInt.asUintN(64, linear + BigInt(size - 1)));

/** The fault of an access beyond its segment, or to an address that is not canonical. */
export const segmentFault = (name: SegmentName): Fault => (name === "SS" ? SS0 : GP0);

export const segmentOf = (decoded: Decoded, segment: SegmentChoice): SegmentName =>
  segment === "effective" ? decoded.segment : segment;

/** The linear address of an offset in a segment, without any check. */
export function segmentSum(state: CpuState, name: SegmentName, offset: bigint): bigint {
  if (!is64Bit(state)) return BigInt.asUintN(32, state.segmentBase(name) + offset);
  const base = name === "FS" || name === "GS" ? state.segmentBase(name) : 0n;
  return BigInt.asUintN(64, base + offset);
}

const WRITABLE_OR_READABLE = 2;
const EXPAND_DOWN = 4;
const IS_CODE = 8;
const ALL_16 = 0xffff;
const ALL_32 = 0xffff_ffff;

/** The offsets of a segment that may be accessed, both ends included; none when `min` is above `max`. */
export interface OffsetRange {
  readonly min: number;
  readonly max: number;
}

const NOTHING: OffsetRange = { min: 1, max: 0 };

/** Outside 64-bit mode. In real-address and virtual-8086 mode only the limit counts. */
export function offsetRange(
  { rights, limit }: SegmentState,
  write: boolean,
  realAddressing: boolean,
): OffsetRange {
  const isCode = (rights & IS_CODE) !== 0;
  if (!realAddressing) {
    if ((rights & RIGHTS.unusable) !== 0 || (rights & RIGHTS.present) === 0) return NOTHING;
    const canWrite = !isCode && (rights & WRITABLE_OR_READABLE) !== 0;
    const canRead = !isCode || (rights & WRITABLE_OR_READABLE) !== 0;
    if (!(write ? canWrite : canRead)) return NOTHING;
  }
  if (isCode || (rights & EXPAND_DOWN) === 0) return { min: 0, max: limit };
  return { min: limit + 1, max: (rights & RIGHTS.big) === 0 ? ALL_16 : ALL_32 };
}

/** The linear address of an offset in a segment, or the fault of the access. */
export function linearAddress(
  state: CpuState,
  name: SegmentName,
  offset: bigint,
  size: number,
  write: boolean,
): bigint | Fault {
  const linear = segmentSum(state, name, offset);
  if (is64Bit(state)) return isCanonicalAccess(linear, size) ? linear : segmentFault(name);
  const { min, max } = offsetRange(state.segment(name), write, isRealAddressing(state));
  const isInside = offset >= BigInt(min) && offset + BigInt(size - 1) <= BigInt(max);
  return isInside ? linear : segmentFault(name);
}
