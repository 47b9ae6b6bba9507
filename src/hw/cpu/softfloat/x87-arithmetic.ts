/**
 * FADD, FSUB, FMUL, FDIV, FSQRT and their relatives. SDM Vol. 2, the entries of those names; SDM
 * Vol. 1, "Precision Control Field", "Rounding Control Field".
 *
 * Operands are taken apart by the caller, since an operand may be a register (F80.unpack), a memory
 * float (F32.unpack, F64.unpack) or a memory integer (fromInteger): the instruction sees its value
 * unrounded, and a denormal memory operand is a denormal operand. FSUBR and FDIVR swap them. The
 * environment is x87Register(control word). FABS, FCHS and FXCH touch bits only and need nothing here.
 */

import * as core from "./arithmetic.ts";
import { type Outcome, x87Register } from "./environment.ts";
import { F80, type Operand, packNaN } from "./formats.ts";
import { INDEFINITE } from "./nan.ts";

/** What a masked stack fault leaves: QNaN floating-point indefinite. */
export const REAL_INDEFINITE: F80 = packNaN(F80, INDEFINITE);

/** FADD, FADDP, FIADD. */
export function fadd(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  return core.add(F80, x, y, x87Register(controlWord));
}

/** FSUB, FSUBP, FISUB: x - y. */
export function fsub(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  return core.subtract(F80, x, y, x87Register(controlWord));
}

/** FMUL, FMULP, FIMUL. */
export function fmul(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  return core.multiply(F80, x, y, x87Register(controlWord));
}

/** FDIV, FDIVP, FIDIV: x / y. */
export function fdiv(x: Operand, y: Operand, controlWord: number): Outcome<F80> {
  return core.divide(F80, x, y, x87Register(controlWord));
}

export function fsqrt(x: Operand, controlWord: number): Outcome<F80> {
  return core.squareRoot(F80, x, x87Register(controlWord));
}
