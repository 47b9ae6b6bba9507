/**
 * The binary floating-point formats of the x86 family and how a value is taken apart and put
 * together. SDM Vol. 1, "Floating-Point Data Types", "Unsupported Double Extended-Precision
 * Floating-Point Encodings and Pseudo-Denormals"; IEEE 754-2008, "Binary interchange format
 * encodings". Not modelled: half precision and bfloat16.
 */

import { bitLength } from "./bits.ts";

/** Ordered so that `kind >= Kind.quiet` means "not a number one can compute with". */
export const Kind = {
  zero: 0,
  normal: 1,
  denormal: 2,
  infinity: 3,
  quiet: 4,
  signaling: 5,
  unsupported: 6,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export type Sign = 0 | 1;

/** An 80-bit double extended-precision value: sign and exponent (16 bits), significand (64 bits). */
export interface F80 {
  readonly signExponent: number;
  readonly significand: bigint;
}

/**
 * A value taken apart, the same for every format. A finite number other than zero is
 * significand * 2**(exponent - 63) with bit 63 of the significand set, also when it was denormal.
 * A NaN has its payload at the top: bit 63 set, bit 62 the quiet bit.
 */
export interface Operand {
  readonly kind: Kind;
  readonly sign: Sign;
  readonly exponent: number;
  readonly significand: bigint;
}

/** V is how the simulator carries a value: F32 an unsigned 32-bit number, F64 a 64-bit bigint. */
export interface FloatFormat<V> {
  readonly name: "f32" | "f64" | "f80";
  /** Bits of the significand, integer bit included. */
  readonly precision: number;
  /** Exponent of the smallest normal and of the largest finite number. */
  readonly minExponent: number;
  readonly maxExponent: number;
  readonly unpack: (value: V) => Operand;
  /** Significand with the integer bit at bit 63; a biased exponent of 0 with bit 63 clear is denormal. */
  readonly pack: (sign: Sign, biasedExponent: number, significand: bigint) => V;
}

export const INTEGER_BIT = 1n << 63n;
export const QUIET_BIT = 1n << 62n;

export function operand(kind: Kind, sign: Sign, exponent: number, significand: bigint): Operand {
  return { kind, sign, exponent, significand };
}

/** sign * magnitude * 2**exponent as an operand; magnitude below 2**64. */
export function fromMagnitude(sign: Sign, magnitude: bigint, exponent = 0): Operand {
  if (magnitude === 0n) return operand(Kind.zero, sign, 0, 0n);
  const length = bitLength(magnitude);
  return operand(Kind.normal, sign, exponent + length - 1, magnitude << BigInt(64 - length));
}

/** A signed integer of at most 64 bits as an operand. Zero is positive. */
export function fromInteger(value: bigint): Operand {
  return value < 0n ? fromMagnitude(1, -value) : fromMagnitude(0, value);
}

function denormal(sign: Sign, fraction: bigint, minExponent: number): Operand {
  const shift = 64 - bitLength(fraction);
  return operand(Kind.denormal, sign, minExponent - shift, fraction << BigInt(shift));
}

/** `fraction` stands left-aligned below bit 63, exponent is biased. */
function classify(
  sign: Sign,
  biased: number,
  fraction: bigint,
  maxBiased: number,
  bias: number,
): Operand {
  if (biased === maxBiased) {
    if (fraction === 0n) return operand(Kind.infinity, sign, 0, INTEGER_BIT);
    const kind = (fraction & QUIET_BIT) !== 0n ? Kind.quiet : Kind.signaling;
    return operand(kind, sign, 0, INTEGER_BIT | fraction);
  }
  if (biased !== 0) return operand(Kind.normal, sign, biased - bias, INTEGER_BIT | fraction);
  if (fraction === 0n) return operand(Kind.zero, sign, 0, 0n);
  return denormal(sign, fraction, 1 - bias);
}

function unpackF32(bits: number): Operand {
  const sign = (bits >>> 31) as Sign;
  return classify(sign, (bits >>> 23) & 0xff, BigInt(bits & 0x7f_ffff) << 40n, 0xff, 127);
}

function packF32(sign: Sign, biased: number, significand: bigint): number {
  const fraction = Number(significand >> 40n) & 0x7f_ffff;
  return ((sign << 31) | (biased << 23) | fraction) >>> 0;
}

function unpackF64(bits: bigint): Operand {
  const head = Number(bits >> 52n);
  const fraction = BigInt.asUintN(52, bits) << 11n;
  return classify((head >> 11) as Sign, head & 0x7ff, fraction, 0x7ff, 1023);
}

function packF64(sign: Sign, biased: number, significand: bigint): bigint {
  const head = BigInt((sign << 11) | biased) << 52n;
  return head | BigInt.asUintN(52, significand >> 11n);
}

function unpackF80(value: F80): Operand {
  const { signExponent, significand } = value;
  const sign = (signExponent >> 15) as Sign;
  const biased = signExponent & 0x7fff;
  if (significand >= INTEGER_BIT) {
    if (biased === 0) return operand(Kind.denormal, sign, -16382, significand); // pseudo-denormal
    if (biased !== 0x7fff) return operand(Kind.normal, sign, biased - 16383, significand);
    return classify(sign, biased, significand - INTEGER_BIT, 0x7fff, 16383);
  }
  // Without the integer bit only zero and denormals have meaning: the rest are pseudo-NaNs,
  // pseudo-infinities and unnormals.
  if (biased !== 0) return operand(Kind.unsupported, sign, 0, significand);
  if (significand === 0n) return operand(Kind.zero, sign, 0, 0n);
  return denormal(sign, significand, -16382);
}

function packF80(sign: Sign, biased: number, significand: bigint): F80 {
  return { signExponent: (sign << 15) | biased, significand };
}

export const F32: FloatFormat<number> = {
  name: "f32",
  precision: 24,
  minExponent: -126,
  maxExponent: 127,
  unpack: unpackF32,
  pack: packF32,
};

export const F64: FloatFormat<bigint> = {
  name: "f64",
  precision: 53,
  minExponent: -1022,
  maxExponent: 1023,
  unpack: unpackF64,
  pack: packF64,
};

export const F80: FloatFormat<F80> = {
  name: "f80",
  precision: 64,
  minExponent: -16382,
  maxExponent: 16383,
  unpack: unpackF80,
  pack: packF80,
};

/** Infinity of a format. */
export function packInfinity<V>(format: FloatFormat<V>, sign: Sign): V {
  return format.pack(sign, 2 * format.maxExponent + 1, INTEGER_BIT);
}

export function packZero<V>(format: FloatFormat<V>, sign: Sign): V {
  return format.pack(sign, 0, 0n);
}

/** A NaN in a format: the payload is cut off on the right where the format is narrower. */
export function packNaN<V>(format: FloatFormat<V>, nan: Operand): V {
  return format.pack(nan.sign, 2 * format.maxExponent + 1, nan.significand);
}

/** Any operand that fits the format exactly (a special value, or a number it can hold). */
export function packExact<V>(format: FloatFormat<V>, x: Operand): V {
  if (x.kind === Kind.zero) return packZero(format, x.sign);
  if (x.kind >= Kind.infinity) return packNaN(format, x);
  const shift = format.minExponent - x.exponent;
  if (shift > 0) return format.pack(x.sign, 0, x.significand >> BigInt(shift));
  return format.pack(x.sign, x.exponent + format.maxExponent, x.significand);
}
