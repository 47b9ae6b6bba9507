/** What decoded blocks and their handlers depend on beside their bytes: sizes, and whether segments need checks. */

import { offsetRange } from "../addressing.ts";
import type { CodeSize } from "../decode.ts";
import { codeSizeOf, isRealAddressing, stackSizeOf } from "../mode.ts";
import { type CpuState, segmentOffset } from "../state.ts";
import { SEGMENT_NAMES } from "../uop.ts";
import { type Level, LEVELS, RANGE_BYTES, SCRATCH } from "./layout.ts";

export interface BlockMode {
  /** A number for all but CS: equal modes have equal handlers. */
  readonly key: number;
  readonly code: CodeSize;
  readonly stack: 16 | 32 | 64;
  /** DS, ES and SS begin at 0, end at 4 GiB and can be written: only the other segments are looked at. */
  readonly flat: boolean;
  /** Whose caches are used, and the number of that. */
  readonly level: Level;
  readonly levelNumber: number;
  readonly codeBase: bigint;
  readonly codeLimit: number;
}

const SIZES = { 16: 0, 32: 1, 64: 2 } as const;
const ALL_32 = 0xffff_ffff;
const FLAT_SEGMENTS = ["DS", "ES", "SS"] as const;

/** The number in LEVELS. */
export const levelNumberOf = (state: CpuState): number =>
  (state.isGuest ? 2 : 0) + (state.cpl === 3 ? 1 : 0);

export function blockMode(state: CpuState): BlockMode {
  const code = codeSizeOf(state);
  const stack = stackSizeOf(state);
  const levelNumber = levelNumberOf(state);
  const flat = code !== 64 && isFlat(state);
  return {
    key: (levelNumber << 5) | (SIZES[code] << 3) | (SIZES[stack] << 1) | (flat ? 1 : 0),
    code,
    stack,
    flat,
    level: LEVELS[levelNumber] as Level,
    levelNumber,
    codeBase: code === 64 ? 0n : state.segmentBase("CS"),
    codeLimit: state.segment("CS").limit,
  };
}

/** Blocks decoded in one serve in the other. */
export const isSameMode = (a: BlockMode, b: BlockMode): boolean =>
  a.key === b.key && (a.code === 64 || (a.codeBase === b.codeBase && a.codeLimit === b.codeLimit));

function isFlat(state: CpuState): boolean {
  const real = isRealAddressing(state);
  return FLAT_SEGMENTS.every((name) => {
    const segment = state.segment(name);
    const { min, max } = offsetRange(segment, true, real);
    return segment.base === 0n && min === 0 && max === ALL_32;
  });
}

/** Puts what may be read and written of each segment where emitted code finds it. */
export function writeRanges(view: DataView, state: CpuState): void {
  const real = isRealAddressing(state);
  SEGMENT_NAMES.forEach((name, i) => {
    const at = state.block + SCRATCH.ranges + RANGE_BYTES * i;
    for (const write of [false, true]) {
      const { min, max } = offsetRange(state.segment(name), write, real);
      view.setBigUint64(at + (write ? 16 : 0), BigInt(min), true);
      view.setBigUint64(at + (write ? 24 : 8), BigInt(max), true);
    }
  });
}

/** From the address of a segment's base to that of its ranges. */
export const RANGES_FROM_BASE = SCRATCH.ranges - segmentOffset("ES");
