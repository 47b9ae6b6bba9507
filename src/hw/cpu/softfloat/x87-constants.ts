/**
 * FLD1, FLDZ, FLDPI, FLDL2T, FLDL2E, FLDLG2, FLDLN2. SDM Vol. 2, "FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/
 * FLDLN2/FLDZ—Load Constant": the unit holds the irrational ones in 66 bits and rounds them by
 * rounding control; neither precision control nor a flag is involved.
 */

import { x87Register } from "./environment.ts";
import { F80 } from "./formats.ts";
import { roundToFormat } from "./round.ts";

/** 66 bits of significand, the lowest set because more bits follow; value m * 2**exponent. */
interface Constant {
  readonly magnitude: bigint;
  readonly exponent: number;
}

const CONSTANTS = {
  FLD1: { magnitude: 1n, exponent: 0 },
  FLDL2T: { magnitude: (0xd49a_784b_cd1b_8afen << 2n) | 1n, exponent: -64 },
  FLDL2E: { magnitude: (0xb8aa_3b29_5c17_f0bbn << 2n) | 3n, exponent: -65 },
  FLDPI: { magnitude: (0xc90f_daa2_2168_c234n << 2n) | 3n, exponent: -64 },
  FLDLG2: { magnitude: (0x9a20_9a84_fbcf_f798n << 2n) | 3n, exponent: -67 },
  FLDLN2: { magnitude: (0xb172_17f7_d1cf_79abn << 2n) | 3n, exponent: -66 },
} as const satisfies Record<string, Constant>;

export type ConstantName = keyof typeof CONSTANTS | "FLDZ";

export function fldConstant(name: ConstantName, controlWord: number): F80 {
  if (name === "FLDZ") return F80.pack(0, 0, 0n);
  const { magnitude, exponent } = CONSTANTS[name];
  return roundToFormat(F80, 0, magnitude, exponent, 64, 0, x87Register(controlWord)).value;
}
