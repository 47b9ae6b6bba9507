/** Measures operations per second of the floating-point library, each over the same mixed operands. */

import process from "node:process";
import { F32, F64, F80, sse, x87 } from "../../src/hw/cpu/softfloat/index.ts";

const COUNT = 256;
const CONTROL = 0x037f;
const MXCSR = 0x1f80;

/** A small fixed generator, so that every run has the same operands. */
let state = 0x2545_f491_4f6c_dd1dn;
function random64(): bigint {
  state ^= BigInt.asUintN(64, state << 13n);
  state ^= state >> 7n;
  state ^= BigInt.asUintN(64, state << 17n);
  return state;
}

/** Normal numbers of both signs with exponents within 32 of each other. */
const registers: F80[] = Array.from({ length: COUNT }, () => {
  const draw = Number(random64() & 0xffffn);
  return {
    signExponent: (draw & 0x8000) | (16383 - 16 + (draw & 31)),
    significand: random64() | (1n << 63n),
  };
});
const doubles: bigint[] = registers.map((value) => x87.fst(F64, value, CONTROL).value);
const singles: number[] = registers.map((value) => x87.fst(F32, value, CONTROL).value);
const positive: F80[] = registers.map((value) => ({
  ...value,
  signExponent: value.signExponent & 0x7fff,
}));
const small: F80[] = registers.map((value) => ({
  ...value,
  signExponent: (value.signExponent & 0x8000) | (0x3ffe - (value.signExponent & 15)),
}));

function at<T>(list: readonly T[], index: number): T {
  return list[index % COUNT] as T;
}

const first = (index: number) => F80.unpack(at(registers, index));
const second = (index: number) => F80.unpack(at(registers, index * 7 + 3));

const OPERATIONS: Readonly<Record<string, (index: number) => unknown>> = {
  "x87 fadd": (i) => x87.fadd(first(i), second(i), CONTROL),
  "x87 fsub": (i) => x87.fsub(first(i), second(i), CONTROL),
  "x87 fmul": (i) => x87.fmul(first(i), second(i), CONTROL),
  "x87 fdiv": (i) => x87.fdiv(first(i), second(i), CONTROL),
  "x87 fsqrt": (i) => x87.fsqrt(F80.unpack(at(positive, i)), CONTROL),
  "x87 fcom": (i) => x87.fcom(first(i), second(i), CONTROL),
  "x87 fld m32": (i) => x87.fld(F32, at(singles, i), CONTROL),
  "x87 fld m64": (i) => x87.fld(F64, at(doubles, i), CONTROL),
  "x87 fst m32": (i) => x87.fst(F32, at(registers, i), CONTROL),
  "x87 fst m64": (i) => x87.fst(F64, at(registers, i), CONTROL),
  "x87 fild m64": (i) => x87.fild(BigInt.asIntN(64, at(doubles, i))),
  "x87 fist m32": (i) => x87.fist(at(registers, i), 32, CONTROL),
  "x87 frndint": (i) => x87.frndint(first(i), CONTROL),
  "x87 fprem": (i) => x87.fprem(first(i), second(i), CONTROL),
  "x87 fscale": (i) => x87.fscale(first(i), F80.unpack(at(small, i)), CONTROL),
  "x87 fxtract": (i) => x87.fxtract(first(i), CONTROL),
  "x87 fbstp": (i) => x87.fbstp(at(registers, i), CONTROL),
  "x87 f2xm1": (i) => x87.f2xm1(F80.unpack(at(small, i)), CONTROL),
  "x87 fyl2x": (i) => x87.fyl2x(F80.unpack(at(positive, i)), second(i), CONTROL),
  "x87 fyl2xp1": (i) => x87.fyl2xp1(F80.unpack(at(small, i)), second(i), CONTROL),
  "x87 fsin": (i) => x87.fsin(first(i), CONTROL),
  "x87 fsincos": (i) => x87.fsincos(first(i), CONTROL),
  "x87 fptan": (i) => x87.fptan(first(i), CONTROL),
  "x87 fpatan": (i) => x87.fpatan(first(i), second(i), CONTROL),
  "f64 add": (i) => sse.add(F64, at(doubles, i), at(doubles, i * 7 + 3), MXCSR),
  "f64 mul": (i) => sse.multiply(F64, at(doubles, i), at(doubles, i * 7 + 3), MXCSR),
  "f64 div": (i) => sse.divide(F64, at(doubles, i), at(doubles, i * 7 + 3), MXCSR),
  "f32 add": (i) => sse.add(F32, at(singles, i), at(singles, i * 7 + 3), MXCSR),
  "f32 mul": (i) => sse.multiply(F32, at(singles, i), at(singles, i * 7 + 3), MXCSR),
  "f32 to f64": (i) => sse.convert(F32, F64, at(singles, i), MXCSR),
  "f64 to i32": (i) => sse.toInteger(F64, at(doubles, i), 32, true, MXCSR),
  "f64 compare": (i) => sse.ucomis(F64, at(doubles, i), at(doubles, i * 7 + 3), MXCSR),
  rcpss: (i) => sse.reciprocal(at(singles, i)),
};

const MEASURE_NS = 300_000_000n;

function operationsPerSecond(operation: (index: number) => unknown): number {
  let done = 0;
  const start = process.hrtime.bigint();
  let elapsed = 0n;
  while (elapsed < MEASURE_NS) {
    for (let index = 0; index < 200; index += 1) operation(done + index);
    done += 200;
    elapsed = process.hrtime.bigint() - start;
  }
  return (done * 1e9) / Number(elapsed);
}

const only = process.argv[2] ?? "";
for (const [name, operation] of Object.entries(OPERATIONS)) {
  if (!name.includes(only)) continue;
  operationsPerSecond(operation); // warm up
  const rate = operationsPerSecond(operation);
  console.log(`${name.padEnd(16)} ${(rate / 1e6).toFixed(2)} M/s`);
}
