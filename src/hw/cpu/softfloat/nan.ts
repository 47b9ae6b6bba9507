/**
 * Which NaN comes out. SDM Vol. 1, "NaNs", "Operating on SNaNs and QNaNs" (table "Rules for
 * Handling NaNs"), "QNaN Floating-Point Indefinite"; "Denormal Operand Exception (#D)".
 */

import { DE, type Environment, IE, type Outcome, outcome } from "./environment.ts";
import {
  type FloatFormat,
  INTEGER_BIT,
  Kind,
  type Operand,
  operand,
  packNaN,
  QUIET_BIT,
} from "./formats.ts";

/** QNaN floating-point indefinite, the default NaN: negative, quiet, empty payload. */
export const INDEFINITE: Operand = operand(Kind.quiet, 1, 0, INTEGER_BIT | QUIET_BIT);

export function isNaN(x: Operand): boolean {
  return x.kind === Kind.quiet || x.kind === Kind.signaling;
}

function quieted(x: Operand): Operand {
  return operand(Kind.quiet, x.sign, 0, x.significand | QUIET_BIT);
}

/** Larger significand wins; between equal ones, the positive. */
function larger(x: Operand, y: Operand): Operand {
  if (x.significand !== y.significand) return x.significand > y.significand ? x : y;
  return x.sign === 0 ? x : y;
}

function chosenByX87(x: Operand, y: Operand): Operand {
  if (!isNaN(y)) return x;
  if (!isNaN(x)) return y;
  if (x.kind !== y.kind) return x.kind === Kind.quiet ? x : y;
  return larger(x, y);
}

/** The result of an operation with invalid operands: real indefinite. */
export function invalid<V>(format: FloatFormat<V>, environment: Environment): Outcome<V> {
  return outcome(packNaN(format, INDEFINITE), IE, false, environment);
}

/** The outcome when an operand is a NaN or an unsupported encoding; undefined when none is. */
export function notANumber<V>(
  format: FloatFormat<V>,
  x: Operand,
  y: Operand,
  environment: Environment,
): Outcome<V> | undefined {
  if (x.kind < Kind.quiet && y.kind < Kind.quiet) return undefined;
  if (x.kind === Kind.unsupported || y.kind === Kind.unsupported)
    return invalid(format, environment);
  const signals = x.kind === Kind.signaling || y.kind === Kind.signaling;
  const chosen = environment.unit === "x87" ? chosenByX87(x, y) : isNaN(x) ? x : y;
  return outcome(packNaN(format, quieted(chosen)), signals ? IE : 0, false, environment);
}

/** The denormal-operand flag, raised when neither a NaN nor another invalid operand took precedence. */
export function denormalFlag(x: Operand, y: Operand = x): number {
  return x.kind === Kind.denormal || y.kind === Kind.denormal ? DE : 0;
}
