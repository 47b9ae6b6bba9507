/**
 * One element of ADD, SUB, MUL, DIV, SQRT, MIN and MAX (PS, PD, SS, SD). SDM Vol. 1, "Programming
 * with Intel Streaming SIMD Extensions", "SSE/SSE2/SSE3 Exceptions"; SDM Vol. 2, the entries of
 * that name. Control is the MXCSR value; the destination is the first operand.
 */

import * as core from "./arithmetic.ts";
import { relation } from "./compare.ts";
import {
  ALL_FLAGS,
  type Environment,
  IE,
  type Outcome,
  outcome,
  PRE_COMPUTATION,
  sse,
} from "./environment.ts";
import { type FloatFormat, Kind, type Operand, operand, packZero } from "./formats.ts";
import { denormalFlag, isNaN } from "./nan.ts";

/** Takes a source element apart, with denormals-are-zeros. */
export function source<V>(format: FloatFormat<V>, value: V, environment: Environment): Operand {
  const x = format.unpack(value);
  if (environment.denormalsAreZeros && x.kind === Kind.denormal) {
    return operand(Kind.zero, x.sign, 0, 0n);
  }
  return x;
}

export function add<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<V> {
  const environment = sse(mxcsr);
  return core.add(
    format,
    source(format, a, environment),
    source(format, b, environment),
    environment,
  );
}

export function subtract<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<V> {
  const environment = sse(mxcsr);
  return core.subtract(
    format,
    source(format, a, environment),
    source(format, b, environment),
    environment,
  );
}

export function multiply<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<V> {
  const environment = sse(mxcsr);
  return core.multiply(
    format,
    source(format, a, environment),
    source(format, b, environment),
    environment,
  );
}

export function divide<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<V> {
  const environment = sse(mxcsr);
  return core.divide(
    format,
    source(format, a, environment),
    source(format, b, environment),
    environment,
  );
}

export function squareRoot<V>(format: FloatFormat<V>, a: V, mxcsr: number): Outcome<V> {
  const environment = sse(mxcsr);
  return core.squareRoot(format, source(format, a, environment), environment);
}

export function minimum<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<V> {
  return extremum(format, a, b, "less", mxcsr);
}

export function maximum<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<V> {
  return extremum(format, a, b, "greater", mxcsr);
}

/** a when it stands in the wanted relation to b, else b: so b when equal, both zero, or unordered. */
function extremum<V>(
  format: FloatFormat<V>,
  a: V,
  b: V,
  wanted: "less" | "greater",
  mxcsr: number,
): Outcome<V> {
  const environment = sse(mxcsr);
  const x = source(format, a, environment);
  const y = source(format, b, environment);
  if (isNaN(x) || isNaN(y)) return outcome(asGiven(format, b, y), IE, false, environment);
  const value = relation(x, y) === wanted ? asGiven(format, a, x) : asGiven(format, b, y);
  return outcome(value, denormalFlag(x, y), false, environment);
}

/** The element as given, or the zero that stands for a denormal. */
function asGiven<V>(format: FloatFormat<V>, value: V, taken: Operand): V {
  return taken.kind === Kind.zero ? packZero(format, taken.sign) : value;
}

/**
 * What a packed instruction adds to MXCSR, and whether it raises #XM: flags of all elements; when a
 * pre-computation exception is unmasked in one of them, no element is computed and only
 * pre-computation flags appear.
 */
export function combineFlags(
  elements: readonly Outcome<unknown>[],
  mxcsr: number,
): { flags: number; raises: boolean } {
  let flags = 0;
  for (const element of elements) flags |= element.flags;
  const unmasked = ~(mxcsr >> 7) & ALL_FLAGS;
  if ((flags & unmasked & PRE_COMPUTATION) !== 0) flags &= PRE_COMPUTATION;
  return { flags, raises: (flags & unmasked) !== 0 };
}
