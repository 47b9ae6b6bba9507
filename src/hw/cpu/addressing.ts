/** From the operands of a decoded instruction to linear addresses: SDM Vol. 1, "Operand Addressing". */

import { type Decoded, displacementOf, type MemoryOperand } from "./decode.ts";
import { type Fault, GP0, SS0 } from "./fault.ts";
import type { CpuState } from "./state.ts";
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

/** The linear address of an offset in a segment, without any check, and the segment. */
export function segmentSum(
  state: CpuState,
  decoded: Decoded,
  segment: SegmentChoice,
  offset: bigint,
): { readonly name: SegmentName; readonly linear: bigint } {
  const name = segment === "effective" ? decoded.segment : segment;
  const base = name === "FS" || name === "GS" ? state.segmentBase(name) : 0n;
  return { name, linear: BigInt.asUintN(64, base + offset) };
}

/** Whether an access is; one across the end of the canonical addresses is not. */
export const isCanonicalAccess = (linear: bigint, size: number): boolean =>
  isCanonical(linear) && isCanonical(BigInt.asUintN(64, linear + BigInt(size - 1)));

/** The linear address of an offset in a segment, or the fault of an address that is not canonical. */
export function linearAddress(
  state: CpuState,
  decoded: Decoded,
  segment: SegmentChoice,
  offset: bigint,
  size: number,
): bigint | Fault {
  const { name, linear } = segmentSum(state, decoded, segment, offset);
  if (isCanonicalAccess(linear, size)) return linear;
  return name === "SS" ? SS0 : GP0;
}
