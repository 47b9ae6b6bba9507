/** From the operands of a decoded instruction to linear addresses: SDM Vol. 1, "Operand Addressing". */

import type { Decoded, MemoryOperand } from "./decode.ts";
import { type Fault, GP0, SS0 } from "./fault.ts";
import type { CpuState } from "./state.ts";
import type { SegmentChoice } from "./uop.ts";

/** The offset of the memory operand at `operand`, before it is truncated to the address size. */
export function effectiveAddress(
  state: CpuState,
  decoded: Decoded,
  operand: number,
  nextRip: bigint,
): bigint {
  const { memory } = decoded.operands[operand] as { readonly memory: MemoryOperand };
  const { base, index, scale, displacement } = memory;
  const from = base === "rip" ? nextRip : base === null ? 0n : state.gpr(base);
  const plus = index === null ? 0n : state.gpr(index) * BigInt(scale);
  return BigInt.asUintN(64, from + plus + displacement);
}

export const isCanonical = (linear: bigint): boolean =>
  BigInt.asUintN(64, BigInt.asIntN(48, linear)) === linear;

/** The linear address of an offset in a segment, or the fault of an address that is not canonical. */
export function linearAddress(
  state: CpuState,
  decoded: Decoded,
  segment: SegmentChoice,
  offset: bigint,
): bigint | Fault {
  const name = segment === "effective" ? decoded.segment : segment;
  const base = name === "FS" || name === "GS" ? state.segmentBase(name) : 0n;
  const linear = BigInt.asUintN(64, base + offset);
  if (isCanonical(linear)) return linear;
  return name === "SS" ? SS0 : GP0;
}
