/** Functions of two vectors, lane by lane, in emitted code: one instruction where WebAssembly has it. */

import type { LaneBinary, LaneReshaping, VectorMicroOp } from "../vector.ts";
import { simd, simdNamed, simdShuffle, vectorConst } from "./simd.ts";
import { type FunctionBody, V128 } from "./wasm.ts";

const SHAPES = { 8: "i8x16", 16: "i16x8", 32: "i32x4", 64: "i64x2" } as const;

/** Names behind the shape of the lanes. */
const DIRECT: Readonly<Partial<Record<LaneBinary | LaneReshaping, string>>> = {
  add: "add",
  sub: "sub",
  addSaturateSigned: "add_sat_s",
  addSaturateUnsigned: "add_sat_u",
  subSaturateSigned: "sub_sat_s",
  subSaturateUnsigned: "sub_sat_u",
  mul: "mul",
  minSigned: "min_s",
  minUnsigned: "min_u",
  maxSigned: "max_s",
  maxUnsigned: "max_u",
  average: "avgr_u",
  eq: "eq",
  gtSigned: "gt_s",
};

export function emitLanes(
  body: FunctionBody,
  { fn, lane }: VectorMicroOp & { op: "lanes" },
  a: number,
  b: number,
): void {
  const direct = DIRECT[fn];
  if (direct !== undefined) {
    simdNamed(body.get(a).get(b), `${SHAPES[lane]}.${direct}`);
    return;
  }
  switch (fn) {
    case "and":
    case "or":
    case "xor":
      simd(body.get(a).get(b), `v128.${fn}`);
      return;
    case "andNot":
      simd(body.get(b).get(a), "v128.andnot");
      return;
    case "sign":
      emitSign(body, lane, a, b);
      return;
    case "mulHighSigned":
    case "mulHighUnsigned":
      multiplyHigh(body, fn, a, b);
      return;
    case "mulFraction":
      multiplyFraction(body, a, b);
      return;
    case "packSigned":
    case "packUnsigned": {
      const sign = fn === "packSigned" ? "s" : "u";
      const name = lane === 16 ? "i8x16.narrow_i16x8" : "i16x8.narrow_i32x4";
      simdNamed(body.get(a).get(b), `${name}_${sign}`);
      return;
    }
    case "mulAddSigned":
      simd(body.get(a).get(b), "i32x4.dot_i16x8_s");
      return;
    case "mulAddMixed":
      multiplyAddMixed(body, a, b);
      return;
    case "mulEvenSigned":
    case "mulEvenUnsigned":
      evenLanes(body, a);
      evenLanes(body, b);
      simd(body, `i64x2.extmul_low_i32x4_${fn === "mulEvenSigned" ? "s" : "u"}`);
      return;
    case "sumOfDifferences":
      sumOfDifferences(body, a, b);
      return;
    default:
      throw new RangeError(`${fn} has no instruction`);
  }
}

/** The lanes 0 and 2 of 32 bits, as the lower two. */
function evenLanes(body: FunctionBody, of: number): void {
  simdShuffle(body.get(of).get(of), [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
}

/** Negates where b is negative, (a ^ m) - m, and clears where it is zero. */
function emitSign(body: FunctionBody, lane: 8 | 16 | 32 | 64, a: number, b: number): void {
  const shape = SHAPES[lane];
  const mask = body.local(V128);
  simd(body.get(b).i32(lane - 1), `${shape}.shr_s`).set(mask);
  simd(body.get(a).get(mask), "v128.xor").get(mask);
  simd(body, `${shape}.sub`);
  vectorConst(body.get(b), 0n);
  simd(body, `${shape}.eq`, "v128.andnot");
}

/** The upper halves of the products of 16 by 16 bits. */
function multiplyHigh(
  body: FunctionBody,
  fn: "mulHighSigned" | "mulHighUnsigned",
  a: number,
  b: number,
): void {
  const sign = fn === "mulHighSigned" ? "s" : "u";
  simd(body.get(a).get(b), `i32x4.extmul_low_i16x8_${sign}`);
  simd(body.get(a).get(b), `i32x4.extmul_high_i16x8_${sign}`);
  simdShuffle(body, [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31]);
}

/** WebAssembly saturates the one product that does not fit, 8000h * 8000h, to 7FFFh; x86 gives 8000h. */
function multiplyFraction(body: FunctionBody, a: number, b: number): void {
  const least = 0x8000_8000_8000_8000_8000_8000_8000_8000n;
  simd(body.get(a).get(b), "i16x8.q15mulr_sat_s");
  simd(vectorConst(body.get(a), least), "i16x8.eq");
  simd(vectorConst(body.get(b), least), "i16x8.eq");
  simd(body, "v128.and", "v128.xor");
}

/** Unsigned bytes of a times signed bytes of b; each product fits in 16 bits. */
function multiplyAddMixed(body: FunctionBody, a: number, b: number): void {
  const low = 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ffn;
  simd(vectorConst(body.get(a), low), "v128.and");
  simd(body.get(b).i32(8), "i16x8.shl");
  simd(body.i32(8), "i16x8.shr_s", "i16x8.mul");
  simd(body.get(a).i32(8), "i16x8.shr_u");
  simd(body.get(b).i32(8), "i16x8.shr_s");
  simd(body, "i16x8.mul", "i16x8.add_sat_s");
}

function sumOfDifferences(body: FunctionBody, a: number, b: number): void {
  const sums = body.local(V128);
  simd(body.get(a).get(b), "i8x16.sub_sat_u");
  simd(body.get(b).get(a), "i8x16.sub_sat_u");
  simd(body, "v128.or", "i16x8.extadd_pairwise_i8x16_u", "i32x4.extadd_pairwise_i16x8_u");
  body.set(sums);
  simd(vectorConst(body.get(sums), 0xffff_ffff_0000_0000_ffff_ffffn), "v128.and");
  simd(body.get(sums).i32(32), "i64x2.shr_u");
  simd(body, "i64x2.add");
}
