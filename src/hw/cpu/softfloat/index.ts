/**
 * Bit-exact x86 floating point over integers, for every JavaScript engine alike: SDM Vol. 1,
 * "Programming with the x87 FPU" and "Programming with Intel Streaming SIMD Extensions". `x87` takes
 * operands taken apart and a control word, `sse` takes bit patterns and an MXCSR value.
 */

export * from "./environment.ts";
export {
  F32,
  F64,
  F80,
  type FloatFormat,
  fromInteger,
  Kind,
  type Operand,
  packExact,
} from "./formats.ts";
export * as sse from "./sse.ts";
export * as x87 from "./x87.ts";
