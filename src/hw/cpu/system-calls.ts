/**
 * What the fast system calls share: flat segments that are loaded without their descriptors. SDM Vol. 2B, "SYSCALL—Fast
 * System Call", "SYSENTER—Fast System Call"; APM Vol. 3, "SYSCALL", "SYSENTER".
 */

import type { AssistContext } from "./assist.ts";
import type { CpuState, SegmentState } from "./state.ts";

const FLAT = 0xffff_ffff;
/** Present, accessed, with granularity; code of 64 or 32 bits, data of 32 bits. */
const CODE_64 = 0xa09b;
const CODE_32 = 0xc09b;
const STACK = 0xc093;

export type Level = 0 | 3;

const flat = (selector: number, rights: number, level: Level): SegmentState => ({
  selector: selector & 0xffff,
  base: 0n,
  limit: FLAT,
  rights: rights | (level << 5),
});

export function setCode(state: CpuState, selector: number, wide: boolean, level: Level): void {
  state.setSegment("CS", flat(selector, wide ? CODE_64 : CODE_32, level));
}

/** SS has the level that is then the CPL. */
export function setStack(state: CpuState, selector: number, level: Level): void {
  state.setSegment("SS", flat(selector, STACK, level));
}

export const isIntel = ({ environment }: AssistContext): boolean =>
  environment.profile.vendor === "intel";

/** The fields of IA32_STAR: the selector that SYSCALL loads, and that of SYSRET. */
export const starSelectors = (star: bigint): { readonly call: number; readonly ret: number } => ({
  call: Number((star >> 32n) & 0xfffcn),
  ret: Number((star >> 48n) & 0xffffn),
});
