/** The vector instructions of WebAssembly: WebAssembly Core Specification, "Vector Instructions". */

import type { FunctionBody } from "./wasm.ts";

/** Opcodes behind the prefix FD that have no immediates. */
const SIMD_OPCODES = {
  "i8x16.swizzle": 0x0e,
  "i8x16.splat": 0x0f,
  "i16x8.splat": 0x10,
  "i32x4.splat": 0x11,
  "i64x2.splat": 0x12,
  "i8x16.eq": 0x23,
  "i8x16.gt_s": 0x27,
  "i16x8.eq": 0x2d,
  "i16x8.gt_s": 0x31,
  "i32x4.eq": 0x37,
  "i32x4.lt_s": 0x39,
  "i32x4.gt_s": 0x3b,
  "f32x4.eq": 0x41,
  "f32x4.lt": 0x43,
  "f64x2.eq": 0x47,
  "f64x2.lt": 0x49,
  "v128.not": 0x4d,
  "v128.and": 0x4e,
  "v128.andnot": 0x4f,
  "v128.or": 0x50,
  "v128.xor": 0x51,
  "v128.bitselect": 0x52,
  "v128.any_true": 0x53,
  "f32x4.demote_f64x2_zero": 0x5e,
  "f64x2.promote_low_f32x4": 0x5f,
  "i8x16.abs": 0x60,
  "i8x16.neg": 0x61,
  "i8x16.bitmask": 0x64,
  "i8x16.narrow_i16x8_s": 0x65,
  "i8x16.narrow_i16x8_u": 0x66,
  "i8x16.shl": 0x6b,
  "i8x16.shr_s": 0x6c,
  "i8x16.shr_u": 0x6d,
  "i8x16.add": 0x6e,
  "i8x16.add_sat_s": 0x6f,
  "i8x16.add_sat_u": 0x70,
  "i8x16.sub": 0x71,
  "i8x16.sub_sat_s": 0x72,
  "i8x16.sub_sat_u": 0x73,
  "i8x16.min_s": 0x76,
  "i8x16.min_u": 0x77,
  "i8x16.max_s": 0x78,
  "i8x16.max_u": 0x79,
  "i8x16.avgr_u": 0x7b,
  "i16x8.extadd_pairwise_i8x16_u": 0x7d,
  "i32x4.extadd_pairwise_i16x8_u": 0x7f,
  "i16x8.abs": 0x80,
  "i16x8.q15mulr_sat_s": 0x82,
  "i16x8.bitmask": 0x84,
  "i16x8.narrow_i32x4_s": 0x85,
  "i16x8.narrow_i32x4_u": 0x86,
  "i16x8.extend_low_i8x16_s": 0x87,
  "i16x8.extend_low_i8x16_u": 0x89,
  "i16x8.shl": 0x8b,
  "i16x8.shr_s": 0x8c,
  "i16x8.shr_u": 0x8d,
  "i16x8.add": 0x8e,
  "i16x8.add_sat_s": 0x8f,
  "i16x8.add_sat_u": 0x90,
  "i16x8.sub": 0x91,
  "i16x8.sub_sat_s": 0x92,
  "i16x8.sub_sat_u": 0x93,
  "i16x8.mul": 0x95,
  "i16x8.min_s": 0x96,
  "i16x8.min_u": 0x97,
  "i16x8.max_s": 0x98,
  "i16x8.max_u": 0x99,
  "i16x8.avgr_u": 0x9b,
  "i32x4.abs": 0xa0,
  "i32x4.bitmask": 0xa4,
  "i32x4.extend_low_i16x8_s": 0xa7,
  "i32x4.extend_low_i16x8_u": 0xa9,
  "i32x4.shl": 0xab,
  "i32x4.shr_s": 0xac,
  "i32x4.shr_u": 0xad,
  "i32x4.add": 0xae,
  "i32x4.sub": 0xb1,
  "i32x4.mul": 0xb5,
  "i32x4.min_s": 0xb6,
  "i32x4.min_u": 0xb7,
  "i32x4.max_s": 0xb8,
  "i32x4.max_u": 0xb9,
  "i32x4.dot_i16x8_s": 0xba,
  "i32x4.extmul_low_i16x8_s": 0xbc,
  "i32x4.extmul_high_i16x8_s": 0xbd,
  "i32x4.extmul_low_i16x8_u": 0xbe,
  "i32x4.extmul_high_i16x8_u": 0xbf,
  "i64x2.bitmask": 0xc4,
  "i64x2.extend_low_i32x4_s": 0xc7,
  "i64x2.extend_low_i32x4_u": 0xc9,
  "i64x2.shl": 0xcb,
  "i64x2.shr_s": 0xcc,
  "i64x2.shr_u": 0xcd,
  "i64x2.add": 0xce,
  "i64x2.sub": 0xd1,
  "i64x2.eq": 0xd6,
  "i64x2.lt_s": 0xd8,
  "i64x2.gt_s": 0xd9,
  "i64x2.extmul_low_i32x4_s": 0xdc,
  "i64x2.extmul_low_i32x4_u": 0xde,
  "f32x4.sqrt": 0xe3,
  "f32x4.add": 0xe4,
  "f32x4.sub": 0xe5,
  "f32x4.mul": 0xe6,
  "f32x4.div": 0xe7,
  "f64x2.sqrt": 0xef,
  "f64x2.add": 0xf0,
  "f64x2.sub": 0xf1,
  "f64x2.mul": 0xf2,
  "f64x2.div": 0xf3,
  "i32x4.trunc_sat_f32x4_s": 0xf8,
  "f32x4.convert_i32x4_s": 0xfa,
  "f64x2.convert_low_i32x4_s": 0xfe,
} as const;

export type SimdOpcode = keyof typeof SIMD_OPCODES;

const PREFIX = 0xfd;
const EXTRACT_LANE = { 8: 0x16, 16: 0x19, 32: 0x1b, 64: 0x1d } as const;
const REPLACE_LANE = { 32: 0x1c, 64: 0x1e } as const;

/** An opcode below 128 takes one byte, the others two. */
const leb = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, 1]);

export function simd(body: FunctionBody, ...opcodes: readonly SimdOpcode[]): FunctionBody {
  for (const opcode of opcodes) body.raw(PREFIX, ...leb(SIMD_OPCODES[opcode]));
  return body;
}

/** A vector opcode that was put together from parts of its name. */
export function simdNamed(body: FunctionBody, name: string): FunctionBody {
  const opcode = (SIMD_OPCODES as Readonly<Record<string, number>>)[name];
  if (opcode === undefined) throw new RangeError(`WebAssembly has no ${name}`);
  return body.raw(PREFIX, ...leb(opcode));
}

export function vectorConst(body: FunctionBody, value: bigint): FunctionBody {
  const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return body.raw(PREFIX, 0x0c, ...bytes);
}

export function simdShuffle(body: FunctionBody, bytes: readonly number[]): FunctionBody {
  return body.raw(PREFIX, 0x0d, ...bytes);
}

/** Leaves an i32, or an i64 for a lane of 64 bits. */
export function extractLane(
  body: FunctionBody,
  lane: 8 | 16 | 32 | 64,
  index: number,
): FunctionBody {
  return body.raw(PREFIX, EXTRACT_LANE[lane], index);
}

/** Replaces a lane by the i32 or i64 on the stack. */
export function replaceLane(body: FunctionBody, lane: 32 | 64, index: number): FunctionBody {
  return body.raw(PREFIX, REPLACE_LANE[lane], index);
}

/** From the address on the stack; it need not be aligned. `offset` is below 2^14. */
export function loadVector(body: FunctionBody, offset = 0): FunctionBody {
  return body.raw(PREFIX, 0x00, 0, ...offsetLeb(offset));
}

export function storeVector(body: FunctionBody, offset = 0): FunctionBody {
  return body.raw(PREFIX, 0x0b, 0, ...offsetLeb(offset));
}

const offsetLeb = (offset: number): number[] =>
  offset < 128 ? [offset] : [(offset & 127) | 128, offset >> 7];
